"""`hack/generate`: rewrite what is generated, or prove that nothing is stale."""

from pathlib import Path
from typing import Annotated

import typer

from generator.blocks import BrokenBlock, block_names, render_blocks
from generator.registry import BLOCKS, files

ROOT = Path(__file__).resolve().parents[3]


def update(root: Path, *, write: bool) -> list[Path]:
    """The files whose blocks are stale, rewritten if asked; raises BrokenBlock with a reason."""
    changed: list[Path] = []
    seen: set[str] = set()
    for path in files(root):
        text = path.read_text()
        names = set(block_names(text))
        if not names:
            continue
        seen |= names
        try:
            wanted = render_blocks(text, lambda name: _render(name, root))
        except BrokenBlock as broken:
            raise BrokenBlock(f"{path.relative_to(root)}: {broken}") from None
        if wanted != text:
            changed.append(path)
            if write:
                path.write_text(wanted)
    if missing := BLOCKS.keys() - seen:
        raise BrokenBlock(f"no file has the block {', '.join(sorted(missing))}")
    return changed


app = typer.Typer(add_completion=False, rich_markup_mode="markdown")


@app.command()
def main(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail when a block is stale.")
    ] = False,
    root: Annotated[Path, typer.Option(help="The repository.", show_default=False)] = ROOT,
) -> None:
    """Rewrite the generated blocks of all Markdown and YAML files.

    A block stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`, in YAML between
    `# generated: NAME` and `# end: NAME`. Rules of the CRDs come from the transition table in
    operator/nessus_operator/api, tables of the READMEs from the CRDs and from code. Edit the
    source, then run this; hack/check runs it with --check.
    """
    try:
        changed = [str(path.relative_to(root)) for path in update(root, write=not check)]
    except BrokenBlock as broken:
        typer.echo(f"hack/generate: {broken}", err=True)
        raise typer.Exit(1) from None
    if check and changed:
        typer.echo(f"hack/generate: stale: {', '.join(changed)}; run hack/generate", err=True)
        raise typer.Exit(1)
    for path in changed:
        typer.echo(f"wrote {path}")


def _render(name: str, root: Path) -> str:
    if name not in BLOCKS:
        raise BrokenBlock(f"nothing generates `{name}`")
    return BLOCKS[name](root)


if __name__ == "__main__":
    app(prog_name="hack/generate")
