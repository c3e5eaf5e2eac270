"""Which elements a sample has, by their symbols."""


class ElementError(ValueError):
    """What should name elements does not."""


def elements_in(text: str) -> set[str] | None:
    """Return the elements that a text names by their symbols, such as ``"Fe, Ni, al"``.

    Returns
    -------
    set of str, or None
        None if the text names nothing.

    Raises
    ------
    ElementError
        If something in it is no element's symbol.
    """
    from ase.data import chemical_symbols

    symbols = {name.capitalize() for name in text.replace(",", " ").replace(";", " ").split()}
    unknown = sorted(symbols - set(chemical_symbols[1:]))
    if unknown:
        raise ElementError(
            f"{', '.join(unknown)}: no element's symbol; name the elements as in Fe, Ni, Al"
        )
    return symbols or None
