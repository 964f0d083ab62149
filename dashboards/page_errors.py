"""The ways in which a page is not shown; ``dashboards.page_route`` turns each into a calm answer."""


class PageError(Exception):
    """A page cannot be shown to this person now."""


class LoginNeededError(PageError):
    """Nobody is logged in."""


class NotAllowedError(PageError):
    """This role may not see or do this."""


class PageNotFoundError(PageError):
    """There is no such page, incident or link."""


class FormRefusedError(PageError):
    """The form was not rendered for this session, or comes from another site."""


class FormInvalidError(PageError):
    """A field holds something that no form of ours sends; ``field`` names it."""

    def __init__(self, field: str) -> None:
        """Keep the field's name."""
        super().__init__(field)
        self.field = field
