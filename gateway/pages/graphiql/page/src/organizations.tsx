// The organization whose schema is shown, for somebody who belongs to several: the rights may differ from one to the next.

import type { Organization } from "./session";

const ALL = "";

interface Props {
  organizations: Organization[];
  chosen: string | null;
  onChoose(organizationId: string | null): void;
}

export function Organizations({ organizations, chosen, onChoose }: Props) {
  return (
    <label className="button organizations">
      <span className="label">Organization</span>
      <select
        aria-label="Organization"
        value={chosen ?? ALL}
        onChange={(event) => onChoose(event.target.value || null)}
      >
        <option value={ALL}>All of mine</option>
        {organizations.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
