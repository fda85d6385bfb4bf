"""What no module of ours may do: run text as code, unpickle, start a shell, put values into SQL."""

import ast
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests.test_layers import BELOW, ROOT

CODE = ("eval", "exec", "compile", "__import__", "breakpoint", "execfile", "input")
SHELLS = ("system", "popen", "execv", "execve", "execl", "spawnl", "spawnv", "startfile")
PICKLES = ("pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "jsonpickle")
PROCESSES = ("subprocess", "pty", "multiprocessing.popen_fork")
CLEAR_TEXT = ("telnetlib", "ftplib", "smtplib", "xmlrpc")
STATEMENTS = ("text", "exec_driver_sql", "execute", "executemany", "executescript")
UNSAFE = {"shell": True, "verify": False, "allow_pickle": True, "weights_only": False}
UNSAFE_LOADERS = ("Loader", "UnsafeLoader", "FullLoader", "unsafe_load", "full_load")

# What is allowed all the same: (file, complaint), with the reason beside it.
ALLOWED = {
    # The MLflow UI and git are programs of their own: a list of words and no shell.
    ("experiments/ui.py", "imports subprocess"),
    ("experiments/tracking/provenance.py", "imports subprocess"),
    # BEGIN or BEGIN IMMEDIATE, as the two lines above it say.
    ("strategies/records/database.py", "builds SQL"),
    # Names of tables and columns, and marks; values are bound. SQLAlchemy would take longer.
    ("strategies/records/rows.py", "builds SQL"),
    # A table is made once, and what makes it takes no parameters.
    ("strategies/records/migrations/versions/r0001_first.py", "builds SQL"),
}


def complaints(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line of everything that is forbidden, and what it is."""
    for node in ast.walk(tree):
        for check in CHECKS:
            why = check(node)
            if why:
                yield getattr(node, "lineno", 0), why


def runs_code(node: ast.AST) -> str:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CODE:
        return f"calls {node.func.id}"
    return ""


def starts_shell(node: ast.AST) -> str:
    """Find os.system and its like."""
    is_os = (
        isinstance(node, ast.Attribute)
        and node.attr in SHELLS
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    )
    return "starts a shell" if is_os else ""


def imports(node: ast.AST) -> str:
    names = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    for name in names:
        if name.partition(".")[0] in (*PICKLES, *PROCESSES, *CLEAR_TEXT):
            return f"imports {name.partition('.')[0]}"
        if name.startswith("mlflow.pyfunc"):
            return "imports mlflow.pyfunc"
    return ""


def sets_unsafe_option(node: ast.AST) -> str:
    if not (isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant)):
        return ""
    is_unsafe = node.arg in UNSAFE and node.value.value is UNSAFE[node.arg]
    return f"sets {node.arg}={node.value.value}" if is_unsafe else ""


def loads_any_object(node: ast.AST) -> str:
    """Find loaders of YAML that make objects, and torch.load without weights_only."""
    if isinstance(node, ast.Attribute) and node.attr in UNSAFE_LOADERS:
        return f"uses {node.attr}"
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return ""
    owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
    given = {keyword.arg for keyword in node.keywords}
    if (owner, node.func.attr) == ("yaml", "load") and len(node.args) + len(given) < 2:
        return "calls yaml.load without a loader"
    if owner in ("torch", "th") and node.func.attr == "load" and "weights_only" not in given:
        return "calls torch.load without weights_only"
    return ""


def builds_sql(node: ast.AST) -> str:
    """Find statements that are put together from anything but constants of ours."""
    if not (isinstance(node, ast.Call) and node.args):
        return ""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name not in STATEMENTS or (name == "text" and len(node.args) > 1):  # that is matplotlib's
        return ""
    statement = node.args[0]
    if isinstance(statement, ast.JoinedStr):
        parts = [part.value for part in statement.values if isinstance(part, ast.FormattedValue)]
        is_fixed = all(isinstance(part, ast.Name) and part.id.isupper() for part in parts)
        return "" if is_fixed else "builds SQL"
    is_text = isinstance(statement, ast.BinOp) or (
        isinstance(statement, ast.Call)
        and isinstance(statement.func, ast.Attribute)
        and statement.func.attr in ("format", "join", "replace")
    )
    is_unknown = name in ("text", "exec_driver_sql") and not isinstance(statement, ast.Constant)
    return "builds SQL" if is_text or is_unknown else ""


CHECKS: tuple[Callable[[ast.AST], str], ...] = (
    runs_code,
    starts_shell,
    imports,
    sets_unsafe_option,
    loads_any_object,
    builds_sql,
)


@cache
def found_in(folder: str) -> set[tuple[str, int, str]]:
    return {
        (str(path.relative_to(ROOT)), line, why)
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, why in complaints(ast.parse(path.read_text(encoding="utf-8")))
    }


@pytest.mark.parametrize("folder", [*BELOW, "benbot"])
def test_no_module_does_what_is_forbidden(folder: str) -> None:
    found = {one for one in found_in(folder) if (one[0], one[2]) not in ALLOWED}
    assert found == set()


def test_every_exception_is_still_needed() -> None:
    found = {(file, why) for folder in BELOW for file, _, why in found_in(folder)}
    assert found & ALLOWED == ALLOWED


def test_paper_trading_has_no_exception_of_its_own() -> None:
    assert not [file for file, _ in ALLOWED if file.startswith("paper/")]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("eval(text)", "calls eval"),
        ("exec(text)", "calls exec"),
        ("compile(text, '', 'exec')", "calls compile"),
        ("__import__('os')", "calls __import__"),
        ("os.system('ls')", "starts a shell"),
        ("import pickle", "imports pickle"),
        ("from cloudpickle import loads", "imports cloudpickle"),
        ("def f():\n    import marshal", "imports marshal"),
        ("import subprocess as s", "imports subprocess"),
        ("from mlflow import pyfunc", "imports mlflow.pyfunc"),
        ("run('ls', shell=True)", "sets shell=True"),
        ("get(url, verify=False)", "sets verify=False"),
        ("np.load(file, allow_pickle=True)", "sets allow_pickle=True"),
        ("torch.load(file)", "calls torch.load without weights_only"),
        ("torch.load(file, weights_only=False)", "sets weights_only=False"),
        ("yaml.load(text)", "calls yaml.load without a loader"),
        ("yaml.load(text, yaml.Loader)", "uses Loader"),
        ("yaml.unsafe_load(text)", "uses unsafe_load"),
        ("connection.execute(f'SELECT {name}')", "builds SQL"),
        ("connection.execute('SELECT ' + name)", "builds SQL"),
        ("connection.execute('SELECT %s' % name)", "builds SQL"),
        ("connection.execute('SELECT {}'.format(name))", "builds SQL"),
        ("connection.execute(text(query))", "builds SQL"),
    ],
)
def test_what_is_forbidden_is_found(line: str, why: str) -> None:
    assert why in {found for _, found in complaints(ast.parse(line))}


@pytest.mark.parametrize(
    "line",
    [
        "re.compile(text)",
        "module.eval()",
        "connection.execute(select(TABLE))",
        "connection.execute(text('SELECT 1'))",
        "connection.execute(text(f'SELECT {COLUMN}'))",
        "connection.execute('INSERT INTO t VALUES (?)', (value,))",
        "torch.load(file, weights_only=True)",
        "yaml.load(text, _Loader)",
    ],
)
def test_what_is_allowed_is_nobody_s_business(line: str) -> None:
    assert not list(complaints(ast.parse(line)))
