"""What an index and a citation say: the same as the sources, and nothing that is dead elsewhere."""

import re
import tomllib
from pathlib import Path

import yaml
from markdown_it import MarkdownIt

import learnprop

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
DESCRIPTION = (ROOT / PROJECT["readme"]).read_text(encoding="utf-8")

# Of the schema 1.2.0 of the Citation File Format (citation-file-format/schema.json).
REQUIRED = {"authors", "cff-version", "message", "title"}
OPTIONAL = {
    "abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license",
    "license-url", "preferred-citation", "references", "repository", "repository-artifact",
    "repository-code", "type", "url", "version",
}  # fmt: skip
REQUIRED_OF_REFERENCES = {"authors", "title", "type"}
PERSON = {"family-names", "given-names"}


def test_the_citation_is_one():
    assert CITATION["cff-version"] == "1.2.0"
    assert set(CITATION) >= REQUIRED
    assert set(CITATION) <= REQUIRED | OPTIONAL
    assert [set(author) for author in CITATION["authors"]] == [{"name"}]
    assert isinstance(CITATION["version"], str)
    (paper,) = CITATION["references"]
    assert set(paper) >= REQUIRED_OF_REFERENCES
    assert all(set(author) == PERSON for author in paper["authors"])
    assert isinstance(paper["year"], int)
    assert set(paper["conference"]) == {"name"}


def test_the_citation_says_what_the_sources_say():
    assert CITATION["version"] == learnprop.__version__
    assert CITATION["title"] == PROJECT["name"]
    assert CITATION["abstract"] == PROJECT["description"]
    assert CITATION["license"] == PROJECT["license"]
    assert CITATION["keywords"] == PROJECT["keywords"]
    assert CITATION["authors"] == PROJECT["authors"]
    holder = re.search(r"Copyright \(c\) \d+ (.*)", (ROOT / "LICENSE").read_text())[1]
    assert holder == CITATION["authors"][0]["name"]


def test_the_citation_names_the_paper_as_the_description_does():
    (paper,) = CITATION["references"]
    names = [f"{author['given-names']} {author['family-names']}" for author in paper["authors"]]
    said = (
        f"{', '.join(names[:-1])} and {names[-1]}, *{paper['title']}*, {paper['collection-title']}."
    )
    assert said in " ".join(DESCRIPTION.split())


def test_the_changelog_begins_with_this_version_and_its_date():
    first = re.search(
        r"^## (\S+) \((.*)\)$", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE
    )
    assert first[1] == learnprop.__version__
    assert first[2] == str(CITATION.get("date-released", "unreleased"))


def relative(text):
    """What a text links to or shows that is not on the web."""
    tokens = MarkdownIt("commonmark").parse(text)
    named = [
        child.attrs.get("href", child.attrs.get("src"))
        for token in tokens
        for child in token.children or []
        if child.type in ("link_open", "image")
    ]
    return [name for name in named if not re.match(r"https?://|#", name)]


def test_the_description_needs_no_file_beside_it():
    assert relative("![a](results/a.png) [b](docs/b.md) [c](https://d)") == [
        "results/a.png", "docs/b.md"
    ]  # fmt: skip
    assert relative(DESCRIPTION) == []
    assert not any(token.type.startswith("html") for token in MarkdownIt().parse(DESCRIPTION))


def test_the_example_of_the_description_runs_and_prints_what_it_says(capsys):
    (block,) = re.findall(r"```python\n(.*?)```", DESCRIPTION, flags=re.DOTALL)
    exec(compile(block, PROJECT["readme"], "exec"), {})
    assert capsys.readouterr().out.splitlines() == re.findall(r"print\(.*?\) *# (.*)", block)


def test_the_checklist_names_targets_and_files_that_there_are():
    text = (ROOT / "docs" / "development" / "releasing.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"\bmake ([a-z][\w-]*)", text))
    assert targets >= {"lint", "test", "test-slow", "table1", "benchmarks", "docs", "dist"}
    for target in targets:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    for name in re.findall(r"`([\w./]+\.(?:py|md|cff|toml))`", text):
        assert (ROOT / name).is_file(), name
