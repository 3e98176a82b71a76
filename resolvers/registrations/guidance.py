"""What the portal says to those who get no further on their own: whom to ask, and how to reach the vendor."""

from collections.abc import Mapping

from connectors.directory.records.registrations import RegistrationStatus
from connectors.values import Localized
from resolvers.context import RequestContext
from resolvers.localization import in_language

POSSIBLY_REGISTERED: Localized = {
    "de": (
        "Ihr Unternehmen ist wahrscheinlich schon registriert. Wenden Sie sich an die hauptverantwortliche Person, die "
        "das Portal in Ihrem Unternehmen verwaltet: Sie kann Sie einladen. Oder bitten Sie darum, dem Unternehmen "
        "beitreten zu dürfen."
    ),
    "en": (
        "Your organization is probably registered already. Turn to the main responsible person who administers "
        "the portal "
        "in your organization: they can invite you. Or ask to join the organization."
    ),
    "fr": (
        "Votre entreprise est probablement déjà enregistrée. Adressez-vous à la personne responsable qui administre le "
        "portail dans votre entreprise : elle peut vous inviter. Ou demandez à rejoindre l'entreprise."
    ),
}
NOT_REGISTERED: Localized = {
    "de": (
        "Unter diesen Angaben ist kein Unternehmen registriert. Wenn es die erste Registrierung Ihres Unternehmens "
        "ist, registrieren Sie es jetzt; sonst fragen Sie die hauptverantwortliche Person in Ihrem Unternehmen."
    ),
    "en": (
        "No organization is registered under what you wrote. If this is the first registration of your "
        "organization, register "
        "it now; otherwise ask the main responsible person in your organization."
    ),
    "fr": (
        "Aucune entreprise n'est enregistrée avec ces indications. S'il s'agit du premier enregistrement de votre "
        "entreprise, enregistrez-la maintenant ; sinon, adressez-vous à la personne responsable dans votre entreprise."
    ),
}
UNDER_REVIEW: Localized = {
    "de": (
        "Ihr Unternehmen ist registriert und wird gerade geprüft; das kann bis zu 24 Stunden dauern. Danach kann Sie "
        "die Person einladen, die es registriert hat."
    ),
    "en": (
        "Your organization is registered and being reviewed, which can take up to 24 hours. After that, the person who "
        "registered it can invite you."
    ),
    "fr": (
        "Votre entreprise est enregistrée et en cours de vérification, ce qui peut prendre jusqu'à 24 heures. Ensuite, "
        "la personne qui l'a enregistrée pourra vous inviter."
    ),
}
OF_STATUS: Mapping[RegistrationStatus, Localized] = {
    RegistrationStatus.EMAIL_UNVERIFIED: {
        "de": "Bestätigen Sie Ihre E-Mail-Adresse mit dem Link in der E-Mail, die wir Ihnen geschickt haben.",
        "en": "Confirm your e-mail address with the link in the mail that we sent you.",
        "fr": "Confirmez votre adresse e-mail à l'aide du lien figurant dans l'e-mail que nous vous avons envoyé.",
    },
    RegistrationStatus.PENDING_REVIEW: {
        "de": "Wir prüfen Ihre Registrierung; das kann bis zu 24 Stunden dauern. Sie erhalten dann eine E-Mail.",
        "en": "We are reviewing your registration, which can take up to 24 hours. You will then get a mail.",
        "fr": "Nous vérifions votre enregistrement ; cela peut prendre jusqu'à 24 heures. Vous recevrez un e-mail.",
    },
    RegistrationStatus.INFORMATION_REQUESTED: {
        "de": "Wir haben eine Frage zu Ihrer Registrierung. Melden Sie sich an und beantworten Sie sie.",
        "en": "We have a question about your registration. Sign in and answer it.",
        "fr": "Nous avons une question concernant votre enregistrement. Connectez-vous et répondez-y.",
    },
    RegistrationStatus.APPROVED: {
        "de": "Ihre Registrierung ist freigegeben. Melden Sie sich an.",
        "en": "Your registration is approved. Sign in.",
        "fr": "Votre enregistrement est approuvé. Connectez-vous.",
    },
    RegistrationStatus.REJECTED: {
        "de": "Ihre Registrierung wurde abgelehnt. Den Grund haben wir Ihnen per E-Mail mitgeteilt.",
        "en": "Your registration was rejected. We have sent you the reason by mail.",
        "fr": "Votre enregistrement a été refusé. Nous vous en avons communiqué la raison par e-mail.",
    },
    RegistrationStatus.WITHDRAWN: {
        "de": "Die Registrierung wurde zurückgezogen. Sie können sich neu registrieren.",
        "en": "The registration was withdrawn. You can register again.",
        "fr": "L'enregistrement a été retiré. Vous pouvez vous enregistrer à nouveau.",
    },
    RegistrationStatus.EXPIRED: {
        "de": "Die E-Mail-Adresse wurde nicht rechtzeitig bestätigt. Registrieren Sie sich neu.",
        "en": "The e-mail address was not confirmed in time. Register again.",
        "fr": "L'adresse e-mail n'a pas été confirmée à temps. Enregistrez-vous à nouveau.",
    },
}


def with_contact(context: RequestContext, texts: Localized, locale: str | None) -> str:
    """Return the text in the caller's language, followed by how to reach the vendor in the same language."""
    contact = context.backends.portal.contact
    said = in_language(context, texts, locale)
    return f"{said} {in_language(context, contact, locale)}" if contact else said
