"""A picture of an account, for `render_mode="rgb_array"`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benbot.envs.arrays import Float32Array, FloatArray

PIXELS = (640, 480)


def draw_account(
    equity: FloatArray, weights: Float32Array, names: tuple[str, ...]
) -> NDArray[np.uint8]:
    """Return equity (N,) above the weights (N, K+1) as pixels [480, 640, 3]."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(PIXELS[0] / 100, PIXELS[1] / 100), dpi=100, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    bars = np.arange(equity.size)
    above.plot(bars, equity, color="#1f4e79")
    above.set_ylabel("equity")
    below.stackplot(bars, weights.T, labels=names)
    below.set_ylim(0.0, 1.0)
    below.set_ylabel("weights")
    below.set_xlabel("bar")
    below.legend(fontsize=6, ncols=3, loc="lower left")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
