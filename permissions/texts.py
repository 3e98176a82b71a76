"""What the portal says of each permission, by language, and what it advises who is refused; see vocabulary.py."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PermissionText:
    """The name of a permission and one sentence on what it allows, each by language (de, en, fr)."""

    labels: Mapping[str, str]
    descriptions: Mapping[str, str]


def _text(label: tuple[str, str, str], description: tuple[str, str, str]) -> PermissionText:
    languages = ("de", "en", "fr")
    return PermissionText(
        labels=dict(zip(languages, label, strict=True)),
        descriptions=dict(zip(languages, description, strict=True)),
    )


PERMISSION_TEXTS: dict[str, PermissionText] = {
    "ORGANIZATION_VIEW": _text(
        ("Unternehmensdaten einsehen", "View organization data", "Consulter les données de l'entreprise"),
        (
            "Sieht die Daten des Unternehmens und den Stand seiner Änderungsanträge.",
            "Sees the organization's data and the state of its change requests.",
            "Consulte les données de l'entreprise et l'état de ses demandes de modification.",
        ),
    ),
    "ORGANIZATION_MANAGE": _text(
        ("Unternehmensdaten verwalten", "Manage organization data", "Gérer les données de l'entreprise"),
        (
            "Ändert die Daten des Unternehmens und beantragt Änderungen von Name und Sitz.",
            "Changes the organization's data and requests changes of its name and registered office.",
            "Modifie les données de l'entreprise et demande le changement de sa raison sociale ou de son siège.",
        ),
    ),
    "MEMBER_VIEW": _text(
        ("Personen einsehen", "View members", "Consulter les utilisateurs"),
        (
            "Sieht, wer im Unternehmen registriert ist und welche Rechte die Person hat.",
            "Sees the organization's members and their permissions.",
            "Consulte les personnes enregistrées dans l'entreprise et leurs droits.",
        ),
    ),
    "MEMBER_MANAGE": _text(
        ("Benutzerkonten verwalten", "Manage members", "Gérer les comptes utilisateur"),
        (
            "Lädt Personen in das Unternehmen ein, sperrt und entfernt sie.",
            "Invites people to the organization, suspends and removes them.",
            "Invite des personnes dans l'entreprise, les suspend et les retire.",
        ),
    ),
    "ROLE_ASSIGN": _text(
        ("Rollen und Rechte vergeben", "Assign roles and rights", "Attribuer les rôles et les droits"),
        (
            "Gibt den Personen des Unternehmens Rollen und Rechte und nimmt sie zurück.",
            "Gives roles and permissions to the organization's members and takes them back.",
            "Attribue des rôles et des droits aux personnes de l'entreprise et les retire.",
        ),
    ),
    "ACCOUNT_MANAGE": _text(
        ("Änderungen am Konto", "Change the account", "Modifier le compte"),
        (
            "Ändert die Angaben am Konto des Unternehmens, zum Beispiel die Kontaktdaten.",
            "Changes the details of the organization's account, for example its contact details.",
            "Modifie les données du compte de l'entreprise, par exemple ses coordonnées.",
        ),
    ),
    "AUDIT_VIEW": _text(
        ("Änderungsprotokoll einsehen", "View the audit log", "Consulter le journal des modifications"),
        (
            "Sieht, wer im Unternehmen wann was geändert hat.",
            "Sees who changed what in the organization, and when.",
            "Consulte qui a modifié quoi dans l'entreprise, et quand.",
        ),
    ),
    "ORDER_VIEW": _text(
        ("Bestellungen einsehen", "View orders", "Consulter les commandes"),
        (
            "Sieht alle Bestellungen des Unternehmens mit ihren Details.",
            "Sees every order of the organization with its details.",
            "Consulte toutes les commandes de l'entreprise et leurs détails.",
        ),
    ),
    "ORDER_PLACE": _text(
        ("Im Shop bestellen", "Place orders", "Passer des commandes"),
        (
            "Bestellt im Shop für das Unternehmen und sieht dessen Bestellungen.",
            "Places orders in the shop for the organization and sees its orders.",
            "Commande dans la boutique pour l'entreprise et consulte ses commandes.",
        ),
    ),
    "ORDER_APPROVE": _text(
        ("Bestellungen freigeben", "Approve orders", "Valider les commandes"),
        (
            "Gibt Bestellungen frei, die eine Freigabe brauchen, oder lehnt sie ab.",
            "Approves or rejects orders that need approval.",
            "Valide ou refuse les commandes soumises à validation.",
        ),
    ),
    "EVENT_BOOK": _text(
        ("Veranstaltungen buchen", "Book events", "Réserver des événements"),
        (
            "Bucht Plätze auf Veranstaltungen und Schulungen für das Unternehmen.",
            "Registers people for events and training on the organization's behalf.",
            "Réserve pour l'entreprise des places à des événements et à des formations.",
        ),
    ),
    "VOUCHER_PURCHASE": _text(
        ("PLENTICOIN erwerben", "Purchase vouchers", "Acheter des PLENTICOIN"),
        (
            "Erwirbt Gutscheine (PLENTICOIN) im Namen des Unternehmens.",
            "Purchases vouchers (PLENTICOIN) on behalf of the organization.",
            "Achète des bons (PLENTICOIN) au nom de l'entreprise.",
        ),
    ),
    "VOUCHER_REGISTER": _text(
        ("PLENTICOIN registrieren", "Register vouchers", "Enregistrer des PLENTICOIN"),
        (
            "Registriert einen Gutschein auf die Seriennummer eines Geräts.",
            "Registers a voucher to the serial number of a device.",
            "Enregistre un bon sur le numéro de série d'un appareil.",
        ),
    ),
    "VOUCHER_EXCHANGE": _text(
        ("PLENTICOIN einlösen", "Exchange vouchers", "Échanger des PLENTICOIN"),
        (
            "Tauscht einen registrierten Gutschein gegen einen Aktivierungscode.",
            "Exchanges a registered voucher for an activation code.",
            "Échange un bon enregistré contre un code d'activation.",
        ),
    ),
    "ACTIVATION_CODE_VIEW": _text(
        ("Aktivierungscodes abrufen", "View activation codes", "Consulter les codes d'activation"),
        (
            "Sieht die Aktivierungscodes des Unternehmens, auch ohne bestellen zu dürfen.",
            "Sees the organization's activation codes, even without being allowed to order.",
            "Consulte les codes d'activation de l'entreprise, même sans pouvoir commander.",
        ),
    ),
    "SERVICE_CODE_VIEW": _text(
        ("Servicecode anzeigen", "View the service code", "Afficher le code de service"),
        (
            "Sieht den Servicecode, mit dem sich geschützte Geräteeinstellungen ändern lassen.",
            "Sees the service code that unlocks protected device settings.",
            "Affiche le code de service qui déverrouille les réglages protégés des appareils.",
        ),
    ),
    "INSTALLATION_REGISTER": _text(
        ("PV-Anlagen registrieren", "Register installations", "Enregistrer des installations PV"),
        (
            "Registriert PV-Anlagen im Solar Portal und sieht die registrierten Anlagen.",
            "Registers PV installations in the Solar Portal and sees those registered.",
            "Enregistre des installations PV dans le Solar Portal et consulte celles déjà enregistrées.",
        ),
    ),
    "WARRANTY_ACTIVATE": _text(
        ("Smart Warranty aktivieren", "Activate Smart Warranty", "Activer Smart Warranty"),
        (
            "Aktiviert die verlängerte Garantie eines Geräts mit dessen Seriennummer.",
            "Activates the extended warranty of a device by its serial number.",
            "Active l'extension de garantie d'un appareil avec son numéro de série.",
        ),
    ),
    "PLANNING_TOOL_USE": _text(
        ("Planungswerkzeuge nutzen", "Use planning tools", "Utiliser les outils de planification"),
        (
            "Nutzt Solar Config Tool und Solar Plan, um Anlagen zu planen.",
            "Uses Solar Config Tool and Solar Plan to plan installations.",
            "Utilise Solar Config Tool et Solar Plan pour planifier des installations.",
        ),
    ),
    "CONTRACT_DOCUMENT_VIEW": _text(
        ("Vertragsdokumente einsehen", "View contract documents", "Consulter les documents contractuels"),
        (
            "Sieht die Vertragsdokumente des Unternehmens und lädt sie herunter.",
            "Sees the organization's contract documents and downloads them.",
            "Consulte et télécharge les documents contractuels de l'entreprise.",
        ),
    ),
    "SOFTWARE_DOWNLOAD": _text(
        ("Programme herunterladen", "Download software", "Télécharger les logiciels"),
        (
            "Lädt die erworbenen Produkte des Unternehmens und deren Updates herunter.",
            "Downloads the products the organization has acquired, and their updates.",
            "Télécharge les produits acquis par l'entreprise et leurs mises à jour.",
        ),
    ),
    "REGISTRATION_REVIEW": _text(
        ("Registrierungen prüfen", "Review registrations", "Contrôler les inscriptions"),
        (
            "Prüft im Auftrag des Anbieters die Registrierungen von Unternehmen.",
            "Reviews registrations of organizations on behalf of the vendor.",
            "Contrôle les inscriptions d'entreprises pour le compte du fournisseur.",
        ),
    ),
    "CHANGE_REQUEST_REVIEW": _text(
        ("Änderungsanträge prüfen", "Review change requests", "Contrôler les demandes de modification"),
        (
            "Prüft im Auftrag des Anbieters Anträge auf Änderung von Name oder Sitz.",
            "Reviews requests to change an organization's name or registered office on behalf of the vendor.",
            "Contrôle les demandes de changement de raison sociale ou de siège pour le compte du fournisseur.",
        ),
    ),
    "APPLICATION_MANAGE": _text(
        ("Anwendungen verwalten", "Manage applications", "Gérer les applications"),
        (
            "Pflegt im Auftrag des Anbieters die Anwendungen des Portals.",
            "Maintains the portal's applications on behalf of the vendor.",
            "Gère les applications du portail pour le compte du fournisseur.",
        ),
    ),
    "ANNOUNCEMENT_MANAGE": _text(
        ("Mitteilungen verwalten", "Manage announcements", "Gérer les annonces"),
        (
            "Veröffentlicht im Auftrag des Anbieters Mitteilungen im Portal.",
            "Publishes announcements in the portal on behalf of the vendor.",
            "Publie des annonces dans le portail pour le compte du fournisseur.",
        ),
    ),
}
