-- The base, an item a row: what is folded into it costs as much as what has changed, however much of
-- the view stays as it was.

CREATE TABLE base_item (
    tenant     TEXT NOT NULL,
    collection TEXT NOT NULL,
    id         TEXT NOT NULL,
    value      TEXT NOT NULL,
    PRIMARY KEY (tenant, collection, id)
) WITHOUT ROWID;

INSERT INTO base_item (tenant, collection, id, value)
SELECT base.tenant, collection.key, item.key,
    CASE WHEN item.type IN ('true', 'false', 'null') THEN item.type
         WHEN item.type = 'text' THEN json_quote(item.value)
         ELSE item.value END
FROM stream_base AS base, json_each(base.view) AS collection, json_each(collection.value) AS item;

ALTER TABLE stream_base DROP COLUMN view;
