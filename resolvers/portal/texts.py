"""What the portal calls the kinds of accounts and organizations that may register, and its rule for passwords."""

from collections.abc import Mapping

from connectors.directory.records.organizations import OrganizationKind
from connectors.values import AccountKind, Localized

ACCOUNT_KIND_LABELS: Mapping[AccountKind, Localized] = {
    AccountKind.PRIVATE_OPERATOR: {
        "de": "Privat",
        "en": "Private",
        "fr": "Particulier",
    },
    AccountKind.COMMERCIAL_OPERATOR: {
        "de": "Gewerblicher Betreiber",
        "en": "Commercial operator",
        "fr": "Exploitant professionnel",
    },
    AccountKind.BUSINESS_CUSTOMER: {
        "de": "Unternehmen",
        "en": "Organization",
        "fr": "Entreprise",
    },
    AccountKind.VENDOR_STAFF: {
        "de": "Anbieter",
        "en": "Vendor",
        "fr": "Fournisseur",
    },
}

ACCOUNT_KIND_DESCRIPTIONS: Mapping[AccountKind, Localized] = {
    AccountKind.PRIVATE_OPERATOR: {
        "de": "Sie betreiben privat eine Anlage.",
        "en": "You operate an installation privately.",
        "fr": "Vous exploitez une installation à titre privé.",
    },
    AccountKind.COMMERCIAL_OPERATOR: {
        "de": "Sie betreiben gewerblich eine oder mehrere Anlagen.",
        "en": "You operate one or more installations as a business.",
        "fr": "Vous exploitez une ou plusieurs installations à titre professionnel.",
    },
    AccountKind.BUSINESS_CUSTOMER: {
        "de": "Sie arbeiten für ein Unternehmen, das unsere Produkte installiert, verkauft oder nutzt.",
        "en": "You work for an organization that installs, sells or uses our products.",
        "fr": "Vous travaillez pour une entreprise qui installe, vend ou utilise nos produits.",
    },
    AccountKind.VENDOR_STAFF: {
        "de": "Sie arbeiten für uns.",
        "en": "You work for us.",
        "fr": "Vous travaillez pour nous.",
    },
}

ORGANIZATION_KIND_LABELS: Mapping[OrganizationKind, Localized] = {
    OrganizationKind.INSTALLER: {"de": "Installationsbetrieb", "en": "Installer", "fr": "Installateur"},
    OrganizationKind.RESELLER: {"de": "Händler", "en": "Reseller", "fr": "Revendeur"},
    OrganizationKind.OPERATOR: {"de": "Betreiber", "en": "Operator", "fr": "Exploitant"},
    OrganizationKind.LICENSEE: {"de": "Lizenznehmer", "en": "Licensee", "fr": "Titulaire de licence"},
}

PASSWORD_HINT: Localized = {
    "de": "{shortest} bis {longest} Zeichen; ein Satz lässt sich leicht merken. Nicht Ihr Name, nicht Ihre Adresse.",
    "en": "{shortest} to {longest} characters; a sentence is easy to remember. Not your name, not your address.",
    "fr": "De {shortest} à {longest} caractères ; une phrase est facile à retenir. Ni votre nom, ni votre adresse.",
}
