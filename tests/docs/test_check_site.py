"""The look for dead links finds each kind, and nothing where there is none."""

import pytest


@pytest.fixture
def site(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "index.html").write_text('<h1 id="top">x</h1><a href="sub/a.html#here">a</a>')
    (tmp_path / "sub" / "a.html").write_text(
        '<h1 id="here">x</h1><a href="../">up</a><a href="#here">x</a><img src="b.png">'
        '<a href="https://example.org">elsewhere</a><link rel="stylesheet" href="/c.css">'
    )
    (tmp_path / "sub" / "b.png").touch()
    (tmp_path / "c.css").touch()
    return tmp_path


def test_a_whole_site_has_no_problem(tool, site):
    assert tool("check_site").problems(site) == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ('<a href="sub/gone.html">', "index.html links to sub/gone.html, which is not there"),
        ('<a href="sub/a.html#gone">', "index.html links to sub/a.html#gone, which has no such"),
        ('<a href="#gone">', "index.html links to #gone, which has no such part"),
        ('<img src="gone.png">', "index.html links to gone.png, which is not there"),
        ('<script src="https://example.org/x.js">', "index.html loads https://example.org/x.js"),
        ('<link rel="stylesheet" href="//example.org/x.css">', "index.html loads //example.org"),
    ],
)
def test_each_fault_is_found(tool, site, fault, said):
    with (site / "index.html").open("a") as page:
        page.write(fault)
    (problem,) = tool("check_site").problems(site)
    assert problem.startswith(said)
