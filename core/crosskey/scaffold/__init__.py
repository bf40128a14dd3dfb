"""New plugins: a complete package for each kind, green as it is written.

    names  one name in all its forms    kinds  what can be written, what comes next    writing  templates → files

``templates/common`` is in every package, ``templates/<kind>`` in those of a kind.
"""

from crosskey.scaffold.kinds import KINDS, KindName
from crosskey.scaffold.names import Names, names_for
from crosskey.scaffold.writing import write_package

__all__ = ("KINDS", "KindName", "Names", "names_for", "write_package")
