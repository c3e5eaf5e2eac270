"""Panes of napari's grid, kept: to make them anew takes a tenth of a second without a GPU."""

from weakref import WeakKeyDictionary

from napari._vispy.canvas import VispyCanvas


def keep_panes() -> None:
    """Let napari take a grid that it had before, of the same rows and columns, not a new one.

    A napari that makes its grids otherwise is left alone.
    """
    make = getattr(VispyCanvas, "_init_or_update_grid", None)
    if make is None or hasattr(make, "kept"):  # by another window of this process
        return
    kept: WeakKeyDictionary = WeakKeyDictionary()

    def take_up(canvas: VispyCanvas) -> None:
        shape = canvas.viewer.canvas.grid.actual_shape(canvas.viewer.layers)
        if canvas.grid.grid_size == shape:
            return
        grids = kept.setdefault(canvas, {})
        canvas.central_widget.remove_widget(canvas.grid)
        if canvas.grid_views:
            grids[canvas.grid.grid_size] = canvas.grid, canvas.grid_views, canvas.grid_cameras
        canvas.grid_views, canvas.grid_cameras = [], []
        if shape not in grids:
            make(canvas)
            return
        canvas.grid, canvas.grid_views, canvas.grid_cameras = grids[shape]
        canvas.central_widget.add_widget(canvas.grid)

    take_up.kept = kept
    VispyCanvas._init_or_update_grid = take_up
