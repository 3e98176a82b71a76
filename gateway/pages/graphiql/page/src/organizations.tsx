// The organization whose schema is shown, for somebody who belongs to several: the rights may differ from one to the next.

import { useEffect, useState } from "react";

import type { Organization, Session, SessionState } from "./session";

const ALL = "";
const MORE = "more";
const SEARCHABLE = 20;
const PAUSE = 250;

interface Props {
  state: SessionState;
  session: Session;
}

export function Organizations({ state, session }: Props) {
  const { organizations, organizationCount, moreOrganizations, organizationId } = state;
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState<Organization | null>(null);
  useEffect(() => {
    if (organizationCount <= SEARCHABLE) return;
    const timer = setTimeout(() => void session.findOrganizations(search), PAUSE);
    return () => clearTimeout(timer);
  }, [session, search]);

  function choose(value: string): void {
    if (value === MORE) return void session.findOrganizations(search, moreOrganizations);
    setChosen(organizations.find(({ id }) => id === value) ?? null);
    session.lookAt(value || null);
  }

  // What is chosen stays in the list, whatever is searched for.
  const isListed = organizationId === null || organizations.some(({ id }) => id === organizationId);
  return (
    <label className="button organizations">
      <span className="label">Organization</span>
      {organizationCount > SEARCHABLE && (
        <input
          type="search"
          aria-label="Search organizations"
          placeholder={`Search ${organizationCount}`}
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      )}
      <select aria-label="Organization" value={organizationId ?? ALL} onChange={(event) => choose(event.target.value)}>
        <option value={ALL}>All of mine</option>
        {!isListed && <option value={organizationId}>{chosen?.name ?? organizationId}</option>}
        {organizations.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
        {moreOrganizations && <option value={MORE}>More…</option>}
      </select>
    </label>
  );
}
