-- The base, an item a row: what is folded into it costs as much as what has changed, however much of
-- the view stays as it was.

CREATE TABLE base_item (
    tenant     TEXT COLLATE "C" NOT NULL,
    collection TEXT COLLATE "C" NOT NULL,
    id         TEXT COLLATE "C" NOT NULL,
    value      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, collection, id)
);

-- The owner of the tables is no tenant, and must see what it moves.
ALTER TABLE stream_base NO FORCE ROW LEVEL SECURITY;
INSERT INTO base_item (tenant, collection, id, value)
SELECT base.tenant, collection.key, item.key, item.value::text
FROM stream_base AS base, json_each(base.view::json) AS collection,
    json_each(collection.value) AS item;
ALTER TABLE stream_base FORCE ROW LEVEL SECURITY;

ALTER TABLE stream_base DROP COLUMN view;

-- Row security.

ALTER TABLE base_item ENABLE ROW LEVEL SECURITY;
ALTER TABLE base_item FORCE ROW LEVEL SECURITY;

CREATE POLICY of_tenant ON base_item
    USING (tenant = current_setting('nexus.tenant', true))
    WITH CHECK (tenant = current_setting('nexus.tenant', true));
