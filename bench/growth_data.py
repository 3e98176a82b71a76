"""What `bench.growth` asks of: organizations of several sizes in PostgreSQL, filled by a few statements."""

from collections.abc import Sequence

from connectors.ids import OrganizationId, UserId

SIZES = (100, 10_000, 100_000)
"""So many members, orders, invitations and entries of the audit log an organization has each."""

WIDTHS = (1, 100, 1_000)
"""To so many organizations a person belongs each, beside the large ones, with nine others."""

_BESIDE = 1_000_000
"""The numbers of who and what stands beside the large organizations begin here."""


def organization_of(size: int) -> OrganizationId:
    """Return the organization with so many members."""
    return OrganizationId(f"org_{size:026}")


def small_organization(number: int = 1) -> OrganizationId:
    """Return one of ten members, to which everybody with a width of at least `number` belongs."""
    return OrganizationId(f"org_{_BESIDE + number:026}")


def member(number: int) -> UserId:
    """Return somebody who belongs to each large organization with so many members; the fiftieth administers."""
    return UserId(f"usr_{number:026}")


def person_in(width: int) -> UserId:
    """Return who belongs to so many organizations."""
    return UserId(f"usr_{_BESIDE + width:026}")


def filling(sizes: Sequence[int] = SIZES, widths: Sequence[int] = WIDTHS) -> Sequence[str]:
    """Return the statements that fill a migrated database.

    Of fifty members, one is invited, one suspended and one removed; everybody may purchase, one in a thousand
    administers.
    """
    large = f"unnest(ARRAY{list(sizes)}) AS size, generate_series(1, size) AS n"
    wide, most = f"unnest(ARRAY{list(widths)}) AS width", max(widths)
    mine = f"size::bigint * {_BESIDE} + n"
    at = "timestamptz '2025-01-06 08:00Z' + n * interval '1 minute'"
    return (
        f"""
        INSERT INTO organizations (id, version, customer_number, name, kind, status, name_key, likeness_key)
        SELECT {_id("org", "n")}, 1, n, name, 'INSTALLER', 'ACTIVE', lower(name), lower(name)
        FROM (SELECT n, 'Organisation ' || md5(n::text) AS name FROM (
            SELECT unnest(ARRAY{list(sizes)}) AS n UNION SELECT generate_series({_BESIDE + 1}, {_BESIDE + most})
        ) AS numbers) AS named""",
        f"""
        INSERT INTO users (id, email, email_verified, first_name, last_name, account_kind, created_at, profile_version,
                           default_organization_id, email_key, last_name_key, first_name_key, search_text)
        SELECT {_id("usr", "n")}, email, true, first, last, 'BUSINESS_CUSTOMER', '2025-01-06', 1,
               {_id("org", f"CASE WHEN n > {_BESIDE} THEN {_BESIDE + 1} ELSE {max(sizes)} END")},
               email, lower(last), lower(first), lower(first || ' ' || last || E'\\n' || email)
        FROM (SELECT n, 'p' || n || '@growth.example' AS email,
                     (ARRAY['Anna', 'Bernd', 'Cleo', 'Dora', 'Emil', 'Frieda', 'Georg'])[1 + n % 7] AS first,
                     (ARRAY['Muller', 'Schmidt', 'Weiss', 'Dupont', 'Keller'])[1 + n % 5] || left(md5(n::text), 3)
                     AS last
              FROM (SELECT generate_series(1, {max(sizes)}) AS n UNION SELECT {_BESIDE} + width FROM {wide}) AS numbers
        ) AS named""",
        f"""
        INSERT INTO memberships (id, version, organization_id, user_id, status, joined_at)
        SELECT {_id("mbr", mine)}, 1, {_id("org", "size")}, {_id("usr", "n")},
               CASE n % 50 WHEN 7 THEN 'INVITED' WHEN 9 THEN 'SUSPENDED' WHEN 11 THEN 'REMOVED' ELSE 'ACTIVE' END,
               CASE WHEN n % 50 <> 7 THEN {at} END
        FROM {large}""",
        f"""
        INSERT INTO memberships (id, version, organization_id, user_id, status, joined_at)
        SELECT {_id("mbr", f"{_BESIDE} + number * 10 + other")}, 1, {_id("org", f"{_BESIDE} + number")},
               {_id("usr", f"1 + (number * 9 + other) % {max(sizes)}")}, 'ACTIVE', timestamptz '2025-01-06'
        FROM generate_series(1, {most}) AS number, generate_series(1, 9) AS other
        UNION ALL
        SELECT 'mbr_w' || width || 'n' || number, 1, {_id("org", f"{_BESIDE} + number")},
               {_id("usr", f"{_BESIDE} + width")}, 'ACTIVE', timestamptz '2025-01-06'
        FROM {wide}, generate_series(1, width) AS number""",
        f"""
        INSERT INTO grants (id, membership_id, organization_id, kind, key, granted_at)
        SELECT 'grt_' || md5(id || key), id, organization_id, 'ROLE', key, '2025-01-06 08:00Z'
        FROM memberships, unnest(ARRAY['purchase', 'administration']) AS key
        WHERE key = 'purchase' OR user_id > {_id("usr", str(_BESIDE))} OR right(user_id, 3) = '050'""",
        f"""
        INSERT INTO invitations (id, organization_id, membership_id, email, email_key, role_keys, permissions, status,
                                 created_at, expires_at, last_sent_at, send_count, token_hash)
        SELECT {_id("inv", mine)}, {_id("org", "size")}, {_id("mbr", mine)}, email, email, '[]', '[]',
               CASE n % 1000 WHEN 50 THEN 'PENDING' ELSE 'ACCEPTED' END,
               '2025-01-06', '2099-01-01', '2025-01-06', 1, decode(md5({mine} || ''), 'hex')
        FROM (SELECT size, n, 'i' || n || '@growth.example' AS email FROM {large}) AS sent""",
        f"""
        INSERT INTO audit_events (id, occurred_at, action, actor_id, subject_id, organization_id, request_id,
                                  before, after)
        SELECT {_id("aud", mine)}, {at}, CASE n % 1000 WHEN 50 THEN 'organization.update' ELSE 'grant.give' END,
               {_id("usr", "50")}, {_id("mbr", mine)}, {_id("org", "size")}, 'r', '{{}}', '{{}}'
        FROM {large}""",
        f"""
        INSERT INTO shop_orders (id, number, organization_id, status, created_at, placed_at, placed_by_id,
                                 total_minor_units, currency, listed_at, search_text)
        SELECT {_id("ord", mine)}, size || '-' || n, {_id("org", "size")}, status, at,
               CASE WHEN status <> 'DRAFT' THEN at END, {_id("usr", "1 + n % 20")}, n, 'EUR', at,
               size || '-' || n || E'\\nmodule ' || md5(n::text)
        FROM (SELECT size, n, {at} AS at, CASE n % 1000 WHEN 50 THEN 'SUBMITTED' WHEN 51 THEN 'DRAFT'
                                                        WHEN 52 THEN 'SHIPPED' ELSE 'DELIVERED' END AS status
              FROM {large}) AS placed""",
        "VACUUM (ANALYZE)",
    )


def _id(kind: str, number: str) -> str:
    return f"'{kind}_' || lpad(({number})::text, 26, '0')"
