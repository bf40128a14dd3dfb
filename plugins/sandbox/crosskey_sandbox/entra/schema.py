"""The properties of each type of object: which exist, which come unasked, which live elsewhere.

Names are those of the v1.0 schema; default sets and their order are those of recorded answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from crosskey_sandbox.entra.errors import GraphError

__all__ = ("EXTENSION", "SCHEMAS", "Schema", "Sort", "Values")

Sort = Literal["user", "group", "servicePrincipal", "device"]
Values = Mapping[str, object]

EXTENSION = re.compile(r"extension_[0-9a-f]{32}_\w+")
"""A directory extension; it comes only when selected, and only where it has a value."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


class Schema(msgspec.Struct, frozen=True):
    """One type. ``lists`` are empty, not null, when they hold nothing; asking for ``elsewhere`` in a list is 501."""

    sort: Sort
    collection: str
    default: tuple[str, ...]
    more: tuple[str, ...] = ()
    lists: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    relations: frozenset[str] = frozenset()

    def unset(self, name: str) -> object:
        """What a property without a value is written as."""
        if name == "onPremisesExtensionAttributes":
            return _NO_EXTENSION_ATTRIBUTES
        return () if name in self.lists else None

    def has(self, name: str) -> bool:
        """Whether an object of the type has this property or relationship."""
        known = name in self.default or name in self.more or name in self.relations
        return known or EXTENSION.fullmatch(name) is not None

    def check(self, names: tuple[str, ...]) -> None:
        """Refuse names that no object of the type has (400), or that are kept outside the directory (501)."""
        for name in names:
            if name in self.elsewhere:
                raise GraphError(501, "NotImplemented", f"The property '{name}' is not available in this query.")
            if not self.has(name):
                raise GraphError.bad_request(
                    f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type "
                    f"'microsoft.graph.{self.sort}'.",
                    "BadRequest",
                )


_NO_EXTENSION_ATTRIBUTES = {f"extensionAttribute{number}": None for number in range(1, 16)}

_USER = Schema(
    sort="user",
    collection="users",
    default=_names(
        "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname "
        "userPrincipalName id"
    ),
    more=_names(
        "accountEnabled ageGroup assignedLicenses assignedPlans authorizationInfo city companyName "
        "consentProvidedForMinor country createdDateTime creationType deletedDateTime department employeeHireDate "
        "employeeId employeeLeaveDateTime employeeOrgData employeeType externalUserState "
        "externalUserStateChangeDateTime faxNumber identities imAddresses isResourceAccount "
        "lastPasswordChangeDateTime legalAgeGroupClassification licenseAssignmentStates mailNickname "
        "onPremisesDistinguishedName onPremisesDomainName onPremisesExtensionAttributes onPremisesImmutableId "
        "onPremisesLastSyncDateTime onPremisesProvisioningErrors onPremisesSamAccountName "
        "onPremisesSecurityIdentifier onPremisesSyncEnabled onPremisesUserPrincipalName otherMails passwordPolicies "
        "postalCode preferredDataLocation provisionedPlans proxyAddresses securityIdentifier showInAddressList "
        "signInSessionsValidFromDateTime state streetAddress usageLocation userType"
    ),
    lists=frozenset(
        _names(
            "businessPhones assignedLicenses assignedPlans identities imAddresses licenseAssignmentStates "
            "onPremisesProvisioningErrors otherMails provisionedPlans proxyAddresses"
        )
    ),
    elsewhere=frozenset(
        _names(
            "aboutMe birthday hireDate interests mailboxSettings mySite pastProjects preferredName responsibilities "
            "schools skills"
        )
    ),
    relations=frozenset({"manager"}),
)

_GROUP = Schema(
    sort="group",
    collection="groups",
    default=_names(
        "id deletedDateTime classification createdDateTime creationOptions description displayName "
        "expirationDateTime groupTypes isAssignableToRole mail mailEnabled mailNickname membershipRule "
        "membershipRuleProcessingState onPremisesDomainName onPremisesLastSyncDateTime onPremisesNetBiosName "
        "onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled preferredDataLocation "
        "preferredLanguage proxyAddresses renewedDateTime resourceBehaviorOptions resourceProvisioningOptions "
        "securityEnabled securityIdentifier theme visibility onPremisesProvisioningErrors serviceProvisioningErrors"
    ),
    more=_names("assignedLabels assignedLicenses uniqueName"),
    lists=frozenset(
        _names(
            "creationOptions groupTypes proxyAddresses resourceBehaviorOptions resourceProvisioningOptions "
            "onPremisesProvisioningErrors serviceProvisioningErrors assignedLabels assignedLicenses"
        )
    ),
    relations=frozenset({"members"}),
)

_SERVICE_PRINCIPAL = Schema(
    sort="servicePrincipal",
    collection="servicePrincipals",
    default=_names(
        "id deletedDateTime accountEnabled alternativeNames appDisplayName appDescription appId "
        "appOwnerOrganizationId appRoleAssignmentRequired createdDateTime description displayName homepage loginUrl "
        "logoutUrl notes replyUrls servicePrincipalNames servicePrincipalType signInAudience tags appRoles "
        "keyCredentials oauth2PermissionScopes passwordCredentials"
    ),
    lists=frozenset(
        _names(
            "alternativeNames replyUrls servicePrincipalNames tags appRoles keyCredentials oauth2PermissionScopes "
            "passwordCredentials"
        )
    ),
)

_DEVICE = Schema(
    sort="device",
    collection="devices",
    default=_names(
        "id deletedDateTime accountEnabled deviceId displayName isCompliant operatingSystem operatingSystemVersion"
    ),
)

SCHEMAS: dict[Sort, Schema] = {schema.sort: schema for schema in (_USER, _GROUP, _SERVICE_PRINCIPAL, _DEVICE)}
