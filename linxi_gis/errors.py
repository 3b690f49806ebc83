"""The errors a person can act on: what is wrong, where, and what to do next."""

from __future__ import annotations


class LinxiError(Exception):
    """Base of every error this project raises on purpose.

    Parameters
    ----------
    what : the fault in one sentence (Chinese, for people)
    where : file, line, feature or key; empty when there is none
    remedy : what to do next; empty when there is nothing to add

    >>> str(InputError("坐标带号无法确定", where="a.txt", remedy="请用 --crs 指明坐标系"))
    'a.txt：坐标带号无法确定；请用 --crs 指明坐标系'
    >>> str(InputError("文件为空"))
    '文件为空'
    """

    exit_code = 3
    http_status = 422

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = what, where, remedy
        head = f"{where}：{what}" if where else what
        super().__init__(f"{head}；{remedy}" if remedy else head)

    def __reduce__(self) -> tuple[object, ...]:
        """Cross from a child process whole: the class, and every field as it is."""
        return _again, (type(self), self.args, dict(self.__dict__))


def _again(kind: type[LinxiError], args: tuple[object, ...], fields: dict[str, object]) -> LinxiError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error


class UsageError(LinxiError):
    """The command line or the request is put wrongly."""

    exit_code = 2
    http_status = 400


class InputError(LinxiError):
    """A site file could not be read, or can be read in more than one way."""


class CatalogError(LinxiError):
    """The catalogue is wrong: a typo, a missing key, a date that does not fit."""

    exit_code = 3
    http_status = 500


class LayerError(LinxiError):
    """A layer cannot be used; it becomes a gap, never an empty layer."""

    exit_code = 4
    http_status = 500


class RuleError(LinxiError):
    """The rule pack does not hold together."""

    exit_code = 3
    http_status = 500


class NothingCheckedError(LinxiError):
    """No layer at all could be checked, so no judgement can be given."""

    exit_code = 4
    http_status = 503


class GeometryError(LinxiError):
    """An overlay did not close; no figure is better than a wrong one."""

    http_status = 500


class CrsError(InputError):
    """The reference system is unknown, ambiguous, or needs parameters nobody gave."""


class CacheError(LinxiError):
    """A prepared layer on disk is not what was written: it is prepared anew, never read as it is."""

    http_status = 500
