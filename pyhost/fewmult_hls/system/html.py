# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""What Jupyter shows of an object: a table, and pictures that need no files."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

_SIDE = 48  # pixels of a picture, at least: what is smaller is shown larger, with sharp edges


def card(title: str, rows: Mapping[str, object], pictures: Iterable[str] = ()) -> str:
    """A table with a heading, a line for each row, and pictures below."""
    from html import escape

    lines = (
        f'<tr><th style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(str(value))}</td></tr>'
        for name, value in rows.items()
    )
    head = f"<strong>{escape(title)}</strong>"
    return f"<div>{head}<table>{''.join(lines)}</table>{''.join(pictures)}</div>"


def picture(image: npt.NDArray[np.uint8], caption: str) -> str:
    """An image, (rows, columns) or with 3 channels, and what it is."""
    from html import escape

    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(image).save(content, format="PNG")
    data = base64.b64encode(content.getvalue()).decode()
    times = -(-_SIDE // max(image.shape[:2]))
    height, width = (times * side for side in image.shape[:2])
    said = escape(caption, quote=True)
    return (
        '<figure style="display:inline-block;margin:2px;text-align:center">'
        f'<img alt="{said}" height="{height}" width="{width}" style="image-rendering:pixelated" '
        f'src="data:image/png;base64,{data}"><figcaption>{said}</figcaption></figure>'
    )
