"""The OpenID Connect discovery document of a tenant, and of ``common`` and ``organizations``."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

__all__ = ("ANY_TENANT", "discovery_document")

ANY_TENANT = frozenset({"common", "organizations"})


def discovery_document(base: str, tenant: str, tenant_id: str) -> bytes:
    """The document's JSON. For any tenant the issuer is a template, as the real one is.

    There is no sign-in of people here, so the endpoints for it lead nowhere and the key set is empty.
    """
    root = f"{base}/{tenant}"
    issuer_tenant = "{tenantid}" if tenant in ANY_TENANT else tenant_id
    return msgspec.json.encode(
        {
            "token_endpoint": f"{root}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": f"{root}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{base}/{issuer_tenant}/v2.0",
            "request_uri_parameter_supported": False,
            "userinfo_endpoint": f"{base}/oidc/userinfo",
            "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
            "http_logout_supported": True,
            "frontchannel_logout_supported": True,
            "end_session_endpoint": f"{root}/oauth2/v2.0/logout",
            "claims_supported": _CLAIMS.split(),
            "tenant_region_scope": None if tenant in ANY_TENANT else "WW",
            "cloud_instance_name": "microsoftonline.com",
            "cloud_graph_host_name": "graph.windows.net",
            "msgraph_host": urlsplit(base).netloc,
            "rbac_url": "https://pas.windows.net",
        }
    )


_CLAIMS = (
    "sub iss cloud_instance_name cloud_instance_host_name cloud_graph_host_name msgraph_host aud exp iat auth_time acr "
    "nonce preferred_username name tid ver at_hash c_hash email"
)
