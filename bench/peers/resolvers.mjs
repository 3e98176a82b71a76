// What the three servers share: our own schema, resolvers as one writes them for Node, and a loader for each list.
// Each query reads just the columns that the bench's documents show, and nobody is asked for a token or a permission.

import { readFileSync } from "node:fs";

import DataLoader from "dataloader";
import pg from "pg";

export const typeDefs = readFileSync(new URL("../../schema/schema.graphql", import.meta.url), "utf8");

const instant = (column) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
const person = `u.first_name || ' ' || u.last_name AS "displayName"`;

// Prepared once for each connection, by name.
const CALLER = {
  name: "caller",
  text: `SELECT ${person}, u.email, u.locale, u.account_kind AS kind, g.key AS role
         FROM users u
         LEFT JOIN memberships m ON m.user_id = u.id AND m.organization_id = u.default_organization_id
         LEFT JOIN grants g ON g.membership_id = m.id AND g.kind = 'ROLE'
         WHERE u.id = $1`,
};
const ORGANIZATION = {
  name: "organization",
  text: `SELECT id, name, customer_number AS "customerNumber", status FROM organizations WHERE id = $1`,
};
const MEMBERS = {
  name: "members",
  text: `SELECT m.id, m.status, m.job_title AS "jobTitle", ${person}, u.email
         FROM memberships m JOIN users u ON u.id = m.user_id
         WHERE m.organization_id = $1 AND m.status <> 'REMOVED'
         ORDER BY u.last_name_key, u.first_name_key, m.id LIMIT $2`,
};
const GRANTS = {
  name: "grants",
  text: `SELECT membership_id AS parent, key, ${instant("valid_until")} AS "validUntil"
         FROM grants WHERE membership_id = ANY($1::text[]) AND kind = 'ROLE' ORDER BY key`,
};
const ORDERS = {
  name: "orders",
  text: `SELECT o.id, o.number, o.status, ${instant("o.placed_at")} AS "placedAt", ${person},
           o.total_minor_units AS total, o.currency
         FROM shop_orders o LEFT JOIN users u ON u.id = o.placed_by_id
         WHERE o.organization_id = $1 ORDER BY o.created_at DESC, o.id DESC LIMIT $2`,
};
const LINES = {
  name: "lines",
  text: `SELECT order_id AS parent, sku, name, quantity, unit_price_minor_units AS price
         FROM shop_order_lines WHERE order_id = ANY($1::text[]) ORDER BY order_id, position`,
};

/** Return the resolvers, and a function that makes the context of a request. */
export function portal({ databaseUrl, viewerId, roles, catalogue }) {
  pg.types.setTypeParser(pg.types.builtins.INT8, Number);
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 10 });
  const rows = async (query, ...values) => (await pool.query({ ...query, values })).rows;
  const byParent = (query) =>
    new DataLoader(async (ids) => {
      const found = new Map(ids.map((id) => [id, []]));
      for (const row of await rows(query, ids)) found.get(row.parent).push(row);
      return ids.map((id) => found.get(id));
    });

  // The caller's language counts for every label, so whoever needs it waits for the same read.
  const context = () => {
    let caller;
    return {
      caller: () => (caller ??= rows(CALLER, viewerId)),
      grants: byParent(GRANTS),
      lines: byParent(LINES),
    };
  };
  const languageOf = async (context) => (await context.caller())[0].locale.split("-")[0];

  const resolvers = {
    Query: {
      viewer: () => ({}),
      organization: async (_source, { id }) => (await rows(ORGANIZATION, id))[0],
    },
    Viewer: {
      user: async (_source, _arguments, context) => (await context.caller())[0],
      applications: async (_source, _arguments, context) => {
        const caller = await context.caller();
        const [{ kind }] = caller;
        const language = await languageOf(context);
        return catalogue
          .filter((it) => it.audience.includes(kind) && (it.forEveryMember || caller.some((row) => it.roles.includes(row.role))))
          .map((it) => ({
            state: "AVAILABLE",
            application: { ...it, name: textIn(it.names, language), tagline: textIn(it.taglines, language) },
            launch: it.launch,
          }));
      },
    },
    Organization: {
      members: async (organization, { first }) => ({ nodes: await rows(MEMBERS, organization.id, first) }),
      orders: async (organization, { first }) => ({ nodes: await rows(ORDERS, organization.id, first) }),
    },
    Membership: {
      user: (member) => member,
      roleGrants: (member, _arguments, context) => context.grants.load(member.id),
    },
    RoleGrant: {
      role: async (grant, _arguments, context) => roles[await languageOf(context)][grant.key],
    },
    Order: {
      placedBy: (order) => order,
      total: (order) => money(order.total, order.currency),
      lines: async (order, _arguments, context) =>
        (await context.lines.load(order.id)).map((line) => ({ ...line, currency: order.currency })),
    },
    OrderLine: {
      unitPrice: (line) => money(line.price, line.currency),
      total: (line) => money(line.quantity * line.price, line.currency),
    },
  };
  return { resolvers, context };
}

const textIn = (texts, language) => texts[language] ?? texts.en;

const money = (minorUnits, currency) => ({ amount: (minorUnits / 100).toFixed(2), currency });
