"""The built-in mapper ``rules``: attribute copies, templates, conditions, references by group.

    plugin       the hook, cheap to import     spec         what it declares
    settings     what stands below ``[map.<kind>]``
    compiler     settings + kind + catalogue → Rules, or every problem at once
    rules        the compiled mapping: candidates in, desired accounts out
    audience     whom a scope or an assign rule means
    fields       one field's value             values       text, flags and numbers made fit for a target
    assign       references by rule            catalogue    names → ids
    templates    the Jinja2 sandbox            attributes   what rules may read

Nothing but :mod:`crosskey.mapping.compiler` is needed to compile; only it and what it imports load Jinja2.
"""
