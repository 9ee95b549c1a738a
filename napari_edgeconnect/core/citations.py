"""Who is to be cited for a method: as text, and as BibTeX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .record import SOFTWARE


@dataclass(frozen=True)
class Citation:
    """One reference.

    Attributes
    ----------
    key : str
        Its BibTeX key.
    short : str
        As it stands in a sentence.
    kind : str
        Its BibTeX type.
    fields : dict of str
        Its BibTeX fields; "author" with "and" between names.
    """

    key: str
    short: str
    kind: Literal["inproceedings", "article", "software"]
    fields: dict[str, str]

    def as_text(self) -> str:
        """One line of a list of references."""
        fields = self.fields
        where = [fields[name] for name in ("journal", "booktitle") if name in fields]
        where += [f"version {fields['version']}"] if "version" in fields else []
        numbers = [fields[name] for name in ("volume", "pages") if name in fields]
        links = [f"doi:{fields['doi']}"] if "doi" in fields else []
        links += [f"arXiv:{fields['eprint']}"] if "eprint" in fields else []
        authors = fields["author"].strip("{}").replace(" and ", "; ")
        source = ", ".join([*where, *numbers, *([fields["year"]] if "year" in fields else [])])
        return ". ".join([authors.rstrip("."), fields["title"], source, *links]) + "."

    def as_bibtex(self) -> str:
        """One entry, with accents as UTF-8."""
        lines = [f"  {name} = {{{value}}}," for name, value in self.fields.items()]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"])


EDGECONNECT = Citation(
    "nazeri2019edgeconnect",
    "Nazeri et al., 2019",
    "inproceedings",
    {
        "author": "Nazeri, Kamyar and Ng, Eric and Joseph, Tony and Qureshi, Faisal Z. and Ebrahimi, Mehran",
        "title": "EdgeConnect: Structure Guided Image Inpainting using Edge Prediction",
        "booktitle": "IEEE/CVF International Conference on Computer Vision (ICCV) Workshops",
        "pages": "3265–3274",
        "year": "2019",
        "doi": "10.1109/ICCVW.2019.00408",
        "eprint": "1901.00212",
        "archiveprefix": "arXiv",
    },
)
#: By the method's name in a record; a method that is nobody's has none.
OF_METHOD = {
    "edgeconnect": EDGECONNECT,
    "telea": Citation(
        "telea2004image",
        "Telea, 2004",
        "article",
        {
            "author": "Telea, Alexandru",
            "title": "An Image Inpainting Technique Based on the Fast Marching Method",
            "journal": "Journal of Graphics Tools",
            "volume": "9",
            "number": "1",
            "pages": "23–34",
            "year": "2004",
            "doi": "10.1080/10867651.2004.10487596",
        },
    ),
    "navier-stokes": Citation(
        "bertalmio2001navier",
        "Bertalmio et al., 2001",
        "inproceedings",
        {
            "author": "Bertalmio, Marcelo and Bertozzi, Andrea L. and Sapiro, Guillermo",
            "title": "Navier–Stokes, Fluid Dynamics, and Image and Video Inpainting",
            "booktitle": "IEEE Conference on Computer Vision and Pattern Recognition (CVPR)",
            "year": "2001",
            "doi": "10.1109/CVPR.2001.990497",
        },
    ),
    "biharmonic": Citation(
        "damelin2018surface",
        "Damelin and Hoang, 2018",
        "article",
        {
            "author": "Damelin, S. B. and Hoang, N. S.",
            "title": "On Surface Completion and Image Inpainting by Biharmonic Functions: Numerical Aspects",
            "journal": "International Journal of Mathematics and Mathematical Sciences",
            "volume": "2018",
            "pages": "3950312",
            "year": "2018",
            "doi": "10.1155/2018/3950312",
        },
    ),
    "patchmatch": Citation(
        "barnes2009patchmatch",
        "Barnes et al., 2009",
        "article",
        {
            "author": "Barnes, Connelly and Shechtman, Eli and Finkelstein, Adam and Goldman, Dan B",
            "title": "PatchMatch: A Randomized Correspondence Algorithm for Structural Image Editing",
            "journal": "ACM Transactions on Graphics",
            "volume": "28",
            "number": "3",
            "pages": "24",
            "year": "2009",
            "doi": "10.1145/1531326.1531330",
        },
    ),
}


def of_software(version: str) -> Citation:
    """The reference for this software itself."""
    fields = {"author": f"{{{SOFTWARE} developers}}", "title": SOFTWARE, "version": version}
    return Citation("napariedgeconnect", f"{SOFTWARE} {version}", "software", fields)
