"""The text of an HTML message, for logs that are not HTML."""

from html.parser import HTMLParser

_SPACED = {"br", "p", "div", "tr", "li", "table"}


class _TextParser(HTMLParser):
    """Collects text, the files of images and the targets of links."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in _SPACED:
            self.parts.append("\n")
        elif tag == "td":
            self.parts.append(" ")
        place = named.get("src") if tag == "img" else named.get("href") if tag == "a" else None
        if place and not place.startswith("data:"):
            self.parts.append(f"[{place}] ")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def text_of_html(html: str) -> str:
    """The text with images and links as `[place]`.

    >>> text_of_html('</td></tr><tr><td><a href="a.png"><img src="a.png" width="8"></a> <b>1 &lt; 2</b>')
    '[a.png] [a.png] 1 < 2'
    """
    parser = _TextParser()
    parser.feed(html)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.parts).splitlines())
    return "\n".join(line for line in lines if line)
