"""The papers behind a study, and how a text cites them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.findings.words import literal
from rad_core.text import one_line

BIBLIOGRAPHY: dict[str, tuple[str, dict[str, str]]] = {
    "baykal2023robust": (
        "inproceedings",
        {
            "author": "Baykal, Cenk and Trinh, Khoa and Iliopoulos, Fotis and Menghani, Gaurav and Vee, Erik",
            "title": "Robust Active Distillation",
            "booktitle": "International Conference on Learning Representations",
            "year": "2023",
            "eprint": "2210.01213",
            "archiveprefix": "arXiv",
        },
    ),
    "hinton2015distilling": (
        "misc",
        {
            "author": "Hinton, Geoffrey and Vinyals, Oriol and Dean, Jeff",
            "title": "Distilling the Knowledge in a Neural Network",
            "year": "2015",
            "eprint": "1503.02531",
            "archiveprefix": "arXiv",
        },
    ),
    "scheffer2001active": (
        "inproceedings",
        {
            "author": "Scheffer, Tobias and Decomain, Christian and Wrobel, Stefan",
            "title": "Active Hidden {Markov} Models for Information Extraction",
            "booktitle": "Advances in Intelligent Data Analysis",
            "year": "2001",
        },
    ),
    "settles2009active": (
        "techreport",
        {
            "author": "Settles, Burr",
            "title": "Active Learning Literature Survey",
            "institution": "University of Wisconsin--Madison",
            "type": "Computer Sciences Technical Report",
            "number": "1648",
            "year": "2009",
        },
    ),
    "lewis1994sequential": (
        "inproceedings",
        {
            "author": "Lewis, David D. and Gale, William A.",
            "title": "A Sequential Algorithm for Training Text Classifiers",
            "booktitle": "{SIGIR}",
            "year": "1994",
        },
    ),
    "sener2018active": (
        "inproceedings",
        {
            "author": "Sener, Ozan and Savarese, Silvio",
            "title": "Active Learning for Convolutional Neural Networks: A Core-Set Approach",
            "booktitle": "International Conference on Learning Representations",
            "year": "2018",
            "eprint": "1708.00489",
            "archiveprefix": "arXiv",
        },
    ),
    "ash2020deep": (
        "inproceedings",
        {
            "author": "Ash, Jordan T. and Zhang, Chicheng and Krishnamurthy, Akshay and Langford, John and "
            "Agarwal, Alekh",
            "title": "Deep Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds",
            "booktitle": "International Conference on Learning Representations",
            "year": "2020",
            "eprint": "1906.03671",
            "archiveprefix": "arXiv",
        },
    ),
    "citovsky2021batch": (
        "inproceedings",
        {
            "author": "Citovsky, Gui and DeSalvo, Giulia and Gentile, Claudio and Karydas, Lazaros and Rajagopalan, "
            "Anand and Rostamizadeh, Afshin and Kumar, Sanjiv",
            "title": "Batch Active Learning at Scale",
            "booktitle": "Advances in Neural Information Processing Systems",
            "year": "2021",
            "eprint": "2107.14263",
            "archiveprefix": "arXiv",
        },
    ),
    "xu2020computation": (
        "misc",
        {
            "author": "Xu, Guodong and Liu, Ziwei and Loy, Chen Change",
            "title": "Computation-Efficient Knowledge Distillation via Uncertainty-Aware Mixup",
            "year": "2020",
            "eprint": "2012.09413",
            "archiveprefix": "arXiv",
        },
    ),
    "luccioli2025llm": (
        "misc",
        {
            "author": "Luccioli, Viviana and Iyengar, Rithika and Panley, Ryan and Haberkorn, Flora and Ge, Xiaoyu and "
            "Crane, Leland and Sinha, Nitish and Lee, Seung Jung",
            "title": "{LLM} on a Budget: Active Knowledge Distillation for Efficient Classification of Large Text "
            "Corpora",
            "year": "2025",
            "eprint": "2511.11574",
            "archiveprefix": "arXiv",
        },
    ),
    "loshchilov2019decoupled": (
        "inproceedings",
        {
            "author": "Loshchilov, Ilya and Hutter, Frank",
            "title": "Decoupled Weight Decay Regularization",
            "booktitle": "International Conference on Learning Representations",
            "year": "2019",
            "eprint": "1711.05101",
            "archiveprefix": "arXiv",
        },
    ),
    "clopper1934use": (
        "article",
        {
            "author": "Clopper, C. J. and Pearson, E. S.",
            "title": "The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial",
            "journal": "Biometrika",
            "volume": "26",
            "number": "4",
            "pages": "404--413",
            "year": "1934",
        },
    ),
    "he2016deep": (
        "inproceedings",
        {
            "author": "He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian",
            "title": "Deep Residual Learning for Image Recognition",
            "booktitle": "{IEEE} Conference on Computer Vision and Pattern Recognition",
            "year": "2016",
            "eprint": "1512.03385",
            "archiveprefix": "arXiv",
        },
    ),
    "howard2019searching": (
        "inproceedings",
        {
            "author": "Howard, Andrew and Sandler, Mark and Chu, Grace and Chen, Liang-Chieh and Chen, Bo and Tan, "
            "Mingxing and Wang, Weijun and Zhu, Yukun and Pang, Ruoming and Vasudevan, Vijay and Le, Quoc V. and Adam, "
            "Hartwig",
            "title": "Searching for {MobileNetV3}",
            "booktitle": "{IEEE/CVF} International Conference on Computer Vision",
            "year": "2019",
            "eprint": "1905.02244",
            "archiveprefix": "arXiv",
        },
    ),
    "alpaydin1998optical": (
        "misc",
        {
            "author": "Alpaydin, E. and Kaynak, C.",
            "title": "Optical Recognition of Handwritten Digits",
            "howpublished": "UCI Machine Learning Repository",
            "year": "1998",
            "doi": "10.24432/C50P49",
        },
    ),
    "krizhevsky2009learning": (
        "techreport",
        {
            "author": "Krizhevsky, Alex",
            "title": "Learning Multiple Layers of Features from Tiny Images",
            "institution": "University of Toronto",
            "year": "2009",
        },
    ),
    "netzer2011reading": (
        "inproceedings",
        {
            "author": "Netzer, Yuval and Wang, Tao and Coates, Adam and Bissacco, Alessandro and Wu, Bo and "
            "Ng, Andrew Y.",
            "title": "Reading Digits in Natural Images with Unsupervised Feature Learning",
            "booktitle": "{NIPS} Workshop on Deep Learning and Unsupervised Feature Learning",
            "year": "2011",
        },
    ),
    "xiao2017fashion": (
        "misc",
        {
            "author": "Xiao, Han and Rasul, Kashif and Vollgraf, Roland",
            "title": "{Fashion-MNIST}: a Novel Image Dataset for Benchmarking Machine Learning Algorithms",
            "year": "2017",
            "eprint": "1708.07747",
            "archiveprefix": "arXiv",
        },
    ),
    "lecun1998gradient": (
        "article",
        {
            "author": "LeCun, Yann and Bottou, L{\\'e}on and Bengio, Yoshua and Haffner, Patrick",
            "title": "Gradient-Based Learning Applied to Document Recognition",
            "journal": "Proceedings of the IEEE",
            "volume": "86",
            "number": "11",
            "pages": "2278--2324",
            "year": "1998",
        },
    ),
}

_SPECIAL = str.maketrans(
    {
        **{char: f"\\{char}" for char in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "±": r"$\pm$",
        "\N{MULTIPLICATION SIGN}": r"$\times$",
        "\N{MINUS SIGN}": "$-$",
        "\N{EN DASH}": "--",
    }
)


@dataclass
class Pen:
    """Writes one text: how it cites, how it spells our words and those of a study, and what was cited so far."""

    cite: Callable[[Sequence[str]], str]
    text: Callable[[str], str]
    quote: Callable[[str], str]
    cited: list[str] = field(default_factory=list)

    def __call__(self, *keys: str) -> str:
        """A citation with the space before it."""
        self.cited += [key for key in keys if key not in self.cited]
        return self.cite(keys)


def plain_pen() -> Pen:
    """Cites as in running text, (Baykal et al., 2023), in Markdown."""
    return Pen(lambda keys: f" ({'; '.join(map(_author_year, keys))})", str, literal)


def latex_pen() -> Pen:
    r"""Cites with \citep and escapes what LaTeX would take for its own."""

    def spelled(text: str) -> str:
        return one_line(text).translate(_SPECIAL)

    return Pen(lambda keys: rf"~\citep{{{','.join(keys)}}}", spelled, spelled)


def bibtex(keys: Sequence[str]) -> str:
    """The entries of these papers."""
    return "\n".join(_entry(key) for key in sorted(keys))


def _entry(key: str) -> str:
    kind, fields = BIBLIOGRAPHY[key]
    lines = [f"  {name} = {{{value}}},\n" for name, value in fields.items()]
    return f"@{kind}{{{key},\n{''.join(lines)}}}\n"


def _author_year(key: str) -> str:
    fields = BIBLIOGRAPHY[key][1]
    names = [author.split(",")[0] for author in fields["author"].split(" and ")]
    who = names[0] if len(names) == 1 else " and ".join(names) if len(names) == 2 else f"{names[0]} et al."
    return f"{who}, {fields['year']}"
