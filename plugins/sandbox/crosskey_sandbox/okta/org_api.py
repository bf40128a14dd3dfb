"""The organisation's own endpoints: what it is, its schema, its discovery documents."""

from __future__ import annotations

from crosskey_sandbox.okta.call import Answer, Call, reply
from crosskey_sandbox.okta.dpop import ALGORITHMS
from crosskey_sandbox.okta.org import OktaOrg
from crosskey_sandbox.okta.schema import user_schema

__all__ = ("discovery", "keys", "org", "organization", "schema", "token")


def organization(org: OktaOrg, call: Call) -> Answer:
    """``GET /.well-known/okta-organization``: no authentication; tells host typos and the engine."""
    del call
    return reply(
        {
            "id": org.id,
            "cell": "ok12",
            "_links": {"organization": {"href": f"https://{org.subdomain}.okta.com"}},
            "pipeline": "idx" if org.quirks.identity_engine else "v1",
            "settings": {"analyticsCollectionEnabled": False, "bugReportingEnabled": True, "omEnabled": False},
        }
    )


def org(org: OktaOrg, call: Call) -> Answer:
    """``GET /api/v1/org``."""
    return reply(
        {
            "id": org.id,
            "subdomain": org.subdomain,
            "companyName": org.company,
            "status": "ACTIVE",
            "created": org.founded,
            "lastUpdated": org.founded,
            "_links": {"preferences": {"href": f"{call.shown}/api/v1/org/preferences"}},
        }
    )


def schema(org: OktaOrg, call: Call) -> Answer:
    """``GET /api/v1/meta/schemas/user/default``."""
    return reply(user_schema(f"{call.shown}{call.path}", org.founded))


def token(org: OktaOrg, call: Call) -> Answer:
    """``POST /oauth2/v1/token``."""
    body, headers = org.tokens.answer(call.body, url=f"{call.base}{call.path}", proof=call.headers.get("dpop"))
    return Answer(body=body, headers=list(headers.items()))


def discovery(org: OktaOrg, call: Call) -> Answer:
    """``GET /.well-known/openid-configuration`` of the org server, as far as a service app needs it."""
    del org
    root = f"{call.shown}/oauth2/v1"
    document = {
        "issuer": call.shown,
        "authorization_endpoint": f"{root}/authorize",
        "token_endpoint": f"{root}/token",
        "jwks_uri": f"{root}/keys",
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
    }
    answer = reply(document)
    answer.headers.append(("cache-control", "max-age=86400, must-revalidate"))
    return answer


def keys(org: OktaOrg, call: Call) -> Answer:
    """``GET /oauth2/v1/keys``: nobody signs in here yet, so no key is published."""
    del org, call
    return reply({"keys": []})
