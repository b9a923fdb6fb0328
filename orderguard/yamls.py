"""YAML read with places: every value knows its line, and a repeated key is an error, not a silent loss."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from orderguard.errors import OrderguardError, Problem, Words, unable

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH = 50
_MAX_NODES = 200_000

Path_ = tuple[str | int, ...]


@dataclass
class Document:
    """A YAML file as plain Python values, with the line of every path.

    Attributes:
        data: dicts, lists and scalars.
        name: how the file is called in messages.
        lines: path (keys and indexes) -> 1-based line.
        problems: repeated keys and the like, found while reading.
        nodes: values built so far, against alias bombs.
        sha256: hex digest of the file's bytes, as they were read.
    """

    data: Any
    name: str
    lines: dict[Path_, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0
    sha256: str = ""

    def line(self, path: Path_) -> int:
        """The line of `path`, or of its nearest ancestor that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(path: Path) -> Document:
    """Read one YAML file; `-` is standard input.

    Raises:
        OrderguardError: the file is missing, not UTF-8, or not YAML; with its line.
    """
    data = _bytes(path)
    document = parse_yaml(_text(data, path), str(path))
    document.sha256 = sha256(data).hexdigest()
    return document


def read_text(path: Path) -> str:
    """The text of a file that people write.

    Raises:
        OrderguardError: the file is missing or not UTF-8.
    """
    return _text(_bytes(path), path)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes() if path.is_file() else _once(path)
    except OSError as error:
        raise OrderguardError(_unreadable(path, error)) from error


@cache
def _once(path: Path) -> bytes:
    """What a pipe told: it tells it once, and a command may look at its rulebook more often."""
    return sys.stdin.buffer.read() if str(path) == "-" and sys.stdin else path.read_bytes()


def _text(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        what = Words("不是 UTF-8 文本", "is not UTF-8 text")
        fix = Words("请用 UTF-8 编码另存", "save it again as UTF-8")
        raise OrderguardError(Problem(what, str(path), fix=fix)) from error


def beside(source: str) -> Path:
    """The folder in which files that a file names are looked for; of a pipe, the folder that we are in."""
    path = Path(source)
    return path.parent if path.is_file() or not path.exists() else Path()


def _unreadable(path: Path, error: OSError) -> Problem:
    return Problem(unable(Words("无法打开", "cannot be opened"), error), str(path))


def parse_yaml(text: str, name: str) -> Document:
    """Parse YAML text; `name` is used in messages.

    Raises:
        OrderguardError: not YAML, or nested deeper than 50 levels.
    """
    if _too_deep(text):
        what = Words("嵌套过深", "is nested too deep")
        raise OrderguardError(Problem(what, name, 1, Words("检查多余的 [ { 或 -", "look for needless [ { or -")))
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        if "end of stream" in str(error):  # where the open quote or bracket began helps more than where the file ends
            mark = getattr(error, "context_mark", None) or mark
        said = getattr(error, "problem", None) or str(error).splitlines()[0]
        line = mark.line + 1 if mark else 0
        here = (
            "".join(text.split("\n")[line - 1 : line]) if line > 0 else ""
        )  # a fault at the end is behind the last line
        wide = _WIDE_KEY.search(text)
        if wide and text.count("\n", 0, wide.end()) < max(line, 1):
            line, said = text.count("\n", 0, wide.end()) + 1, _WIDE
        what, fix = _not_yaml(said, here)
        raise OrderguardError(Problem(what, name, line, fix)) from error
    document = Document(None, name)
    if node is not None:
        document.data = _build(node, (), document, ())
    return document


_WIDE = "full-width"
_WIDE_KEY = re.compile(r"(?m)^[ -]*[a-z_]+\s*：|[{,，]\s*[a-z_]+\s*：|，\s*[a-z_]+\s*:")
"""A key behind a full-width comma or before a full-width colon."""
_TAB = Words("这一行用制表符（Tab）缩进", "a tab indents this line"), Words("换成空格", "use blanks")
_PARSER: tuple[tuple[str, tuple[Words, Words]], ...] = (
    (_WIDE, (
        Words("这里的冒号或逗号是全角的", "a full-width colon or comma stands here"),
        Words("换成半角的 : 和 ,（冒号后加空格）", "write : and , (with a blank behind the colon)"),
    )),
    ("end of stream", (
        Words("从这里开始的引号没有闭合", "the quote that begins here is never closed"),
        Words("补上另一个引号；文字里的引号请写两遍", "close it; write a quote inside a text twice"),
    )),
    ("expected ',' or ']'", (
        Words("方括号 [ 没有闭合，或少了逗号", "a bracket [ is not closed, or a comma is missing"),
        Words("补上 ] 或逗号；含 : , [ 的文字请加引号", "add ] or a comma; quote texts that hold : , or ["),
    )),
    ("expected ',' or '}'", (
        Words("花括号 { 没有闭合，或少了逗号", "a brace { is not closed, or a comma is missing"),
        Words("补上 } 或逗号；含 : , { 的文字请加引号", "add } or a comma; quote texts that hold : , or {"),
    )),
    ("mapping values are not allowed", (
        Words("这里不该有冒号", "a colon is not expected here"),
        Words("检查与上一行的缩进是否对齐；上一行的冒号后要有空格；含“: ”的文字请加引号", "check that the indentation matches the line above, that its ':' is followed by a blank; quote a text with ': '"),
    )),
    ("could not find expected ':'", (
        Words("键后面少了冒号", "a key without ':'"),
        Words("写成 键: 值（冒号后有空格）；检查上一行的缩进和引号", "write key: value; check the line above for its indentation and quotes"),
    )),
    ("expected key", (
        Words("缩进没有对齐", "the indentation does not match"),
        Words("同一层的键要从同一列开始", "keys of one level begin in one column"),
    )),
    ("expected '-' indicator", (
        Words("缩进没有对齐，或列表项少了 -", "the indentation does not match, or an entry lacks its -"),
        Words("列表的每一项以 - 开头，从同一列开始", "each entry begins with - in one column"),
    )),
    ("block sequence entries are not allowed", (
        Words("这里不该有 -", "a - is not expected here"),
        Words("- 另起一行写", "begin the list in a line of its own"),
    )),
    ("undefined alias", (
        Words("以 * 开头的文字没有加引号", "a text that begins with * is not quoted"),
        Words('加引号，如 "*临时仓*"', 'quote it, such as "*warehouse*"'),
    )),
    ("alphabetic or numeric character", (
        Words("以 * 或 & 开头的文字没有加引号", "a text that begins with * or & is not quoted"),
        Words('加引号，如 "*临时仓*"', 'quote it, such as "*warehouse*"'),
    )),
    ("expected node content", (
        Words("这里少了一个值", "a value is missing here"),
        Words("检查该行：补上值，或删去多余的逗号", "check this line: add the value, or remove a needless comma"),
    )),
    ("unknown escape character", (
        Words("双引号里的反斜杠读不懂", "a backslash inside double quotes is not understood"),
        Words("改用单引号", "use single quotes"),
    )),
    ("another document", (
        Words("文件里有第二份内容（---）", "holds a second document (---)"),
        Words("删去 ---，或分成两个文件", "remove the ---, or make two files"),
    )),
    ("expected <document start>", (
        Words("这一行与上面的内容接不上", "this line does not continue what stands above"),
        Words("检查缩进", "check its indentation"),
    )),
    ("control characters", (
        Words("含有看不见的控制字符", "holds control characters"),
        Words("用文本编辑器另存为 UTF-8 文本", "save it again as UTF-8 text"),
    )),
    ("cannot start any token", (
        Words("文字以 @、%、` 等符号开头，没有加引号", "a text begins with @, %, ` or the like and is not quoted"),
        Words("加引号", "quote it"),
    )),
)  # fmt: skip
"""What the parser says (a part of it) -> what it means to whoever wrote the file."""


def _not_yaml(said: str, line: str) -> tuple[Words, Words]:
    """What is wrong and what to do: the parser's words mean nothing to people who write rules."""
    if "\t" in line[: len(line) - len(line.lstrip())] or "tab character" in said or re.match(r"\s*-?\s*\t", line):
        known = _TAB
    else:
        general = Words("检查该行缩进、冒号后的空格、引号", "check this line's indentation, quotes, space after ':'")
        known = next((told for part, told in _PARSER if part in said), (Words(said, said), general))
    what, fix = known
    return Words(f"不是有效的 YAML：{what.zh}", f"is not valid YAML: {what.en}"), fix


def _too_deep(text: str) -> bool:
    """Nesting that would overflow the C parser's stack, told before it is parsed."""
    if re.search(r"(?:[-?:] +){60}", text):
        return True
    depth = deepest = 0
    if text.count("[") + text.count("{") > _MAX_DEPTH:
        for mark in re.finditer(r"[\[\]{}]", text):
            depth = depth + 1 if mark[0] in "[{" else max(depth - 1, 0)
            deepest = max(deepest, depth)
    indents = [len(line) - len(line.lstrip(" ")) for line in text.splitlines()]
    return deepest > 2 * _MAX_DEPTH or max(indents, default=0) > 20 * _MAX_DEPTH


def _build(node: yaml.Node, path: Path_, document: Document, inside: tuple[int, ...]) -> Any:
    document.lines.setdefault(path, node.start_mark.line + 1)
    document.nodes += 1
    if document.nodes > _MAX_NODES:
        what = Words("内容过多（可能是别名层层引用）", "holds too much (aliases of aliases?)")
        fix = Words("把 & 和 * 引用写开", "write out what & and * refer to")
        raise OrderguardError(Problem(what, document.name, node.start_mark.line + 1, fix))
    if id(node) in inside or len(path) > _MAX_DEPTH:
        what = Words("嵌套过深或引用自身", "is nested too deep or refers to itself")
        fix = Words("把 & 和 * 引用写开", "write out what & and * refer to")
        raise OrderguardError(Problem(what, document.name, node.start_mark.line + 1, fix))
    inside = (*inside, id(node))
    if isinstance(node, yaml.MappingNode):
        out: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = _scalar(key_node, document)
            line = key_node.start_mark.line + 1
            if key in out:
                what = Words(f"键 '{key}' 写了两次", f"key '{key}' is given twice")
                fix = Words("只保留一个", "keep one of them")
                document.problems.append(Problem(what, document.name, line, fix))
            document.lines[(*path, key)] = line
            out[key] = _build(value_node, (*path, key), document, inside)
        return out
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*path, i), document, inside) for i, item in enumerate(node.value)]
    return _scalar(node, document)


def _scalar(node: yaml.Node, document: Document) -> Any:
    if not isinstance(node, yaml.ScalarNode):
        what = Words("键必须是文字", "a key must be a word")
        raise OrderguardError(Problem(what, document.name, node.start_mark.line + 1))
    loader = _LOADER("")
    try:
        value = loader.construct_object(node)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        what = Words(f"无法读取的值 '{node.value[:60]}'", f"unreadable value '{node.value[:60]}'")
        fix = Words("检查日期是否存在；文字请加引号", "is it a day that exists? quote a text")
        raise OrderguardError(Problem(what, document.name, node.start_mark.line + 1, fix)) from error
    finally:
        loader.dispose()
    return value


def plain_yaml(text: str) -> Any:
    """YAML of our own making as plain values, without line marks.

    Raises:
        ValueError: not YAML.
    """
    try:
        return yaml.load(text, Loader=_LOADER)  # noqa: S506 - the safe loader, in C where there is one
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
