"""Start the page: arguments -> Lab -> ui.build(lab).launch(...).

The front matter of README.md makes this file the entry of a Hugging Face Space too.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from lawui import ui
from lawui.errors import LabError
from lawui.lab import Lab, Settings


def main() -> int:
    """Serve until interrupted; 1 with a clear line where the page cannot be served."""
    arguments = _arguments()
    try:
        mcp = ui.access.mcp(arguments.mcp)
        people = ui.access.people(arguments.auth_file, arguments.auth_header, arguments.demo)
        lab = Lab(
            Settings(
                home=arguments.home,
                model=arguments.model,
                data=arguments.data,
                offline=arguments.offline,
                lang=arguments.lang,
                demo=arguments.demo,
                chroma_url=arguments.chroma_url,
                reranker=arguments.reranker,
                keep_days=arguments.keep_days,
            ),
            people,
        )
        reach = ui.access.options(
            arguments.host,
            arguments.port,
            people,
            auth_header=arguments.auth_header,
            share=arguments.share,
            offline=arguments.offline,
            routes=ui.class_page.routes(lab, arguments.auth_header),
        )
        print(_chosen(lab, arguments.lang), flush=True)
        lab.start()
        page = ui.build(lab, mcp)
        page.launch(**ui.launch_options(lab), **reach, mcp_server=mcp)
    except LabError as error:
        print(f"lawui: {error.text(arguments.lang)}", file=sys.stderr)
        return 1
    return 0


def _chosen(lab: Lab, lang: str) -> str:
    """Which model, data and embedder answer, and why."""
    choice = lab.choice
    return "\n".join(
        (
            f"model     {choice.name} ({choice.licence}): {choice.why(lang)}",
            f"data      {lab.data_dir or 'sample (--data, LAWUI_DATA, ./data: none)'}",
            f"embedder  {lab.settings.embedder}",
            *([f"reranker  {lab.settings.reranker}"] if lab.settings.reranker else []),
            f"home      {lab.home}",
        )
    )


def _arguments() -> argparse.Namespace:
    on_a_space = bool(os.environ.get("SPACE_ID"))
    parser = argparse.ArgumentParser(description="lawui: the page")
    parser.add_argument("--host", default="0.0.0.0" if on_a_space else "127.0.0.1")
    parser.add_argument("--port", type=int, default=7860)
    parser.add_argument(
        "--model",
        default=os.environ.get("LAWUI_MODEL") or "auto",
        help="auto, embedded, a hub id, a folder or http://HOST/v1#MODEL; else LAWUI_MODEL",
    )
    parser.add_argument("--data", type=Path, help="lawqa_jp and statutes; else LAWUI_DATA, ./data")
    parser.add_argument("--home", type=Path, default=Settings.home, help="where runs are kept")
    parser.add_argument("--auth-file", type=Path, help="role name:password a line")
    parser.add_argument(
        "--auth-header",
        default="",
        metavar="NAME",
        help="the header in which a proxy on this machine names who has logged in",
    )
    parser.add_argument("--lang", choices=("ja", "en"), default="ja")
    parser.add_argument("--offline", action="store_true", help="no outbound request at all")
    parser.add_argument("--demo", action="store_true", default=on_a_space, help="read-only")
    parser.add_argument("--mcp", action="store_true", help="serve MCP tools too")
    parser.add_argument("--chroma-url", default="", help="a Chroma server for the index")
    parser.add_argument(
        "--reranker",
        default="",
        metavar="NAME",
        help="a cross-encoder that orders what search finds",
    )
    parser.add_argument(
        "--keep-days",
        type=int,
        default=Settings.keep_days,
        metavar="N",
        help="delete what a visit saw after N days (90); 0 keeps it for good",
    )
    parser.add_argument("--share", action="store_true", help="a public address (needs log-in)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
