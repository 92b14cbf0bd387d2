//! The view of a tenant with listeners, folded on as reports come, for newcomers of either class.

use bytes::Bytes;
use nexus_core::cursor::Epoch;
use nexus_core::masked::Reader;
use nexus_core::view::View;

use super::frame::masked;
use crate::db::DbError;
use crate::log::Loaded;

/// A view and where it stands.
pub(super) struct Folded {
    pub epoch: Epoch,
    pub number: u64,
    view: View,
    /// The view as JSON, shared by all newcomers at this number.
    json: Bytes,
    /// The same with every value masked; made when somebody needs it.
    masked: Option<(View, Bytes)>,
}

impl Folded {
    pub fn new(loaded: Loaded) -> Self {
        let Loaded { head, view } = loaded;
        let json = view.to_json().into();
        Self { epoch: head.epoch, number: head.last, view, json, masked: None }
    }

    /// Folds on.
    pub fn apply(&mut self, bodies: &[String]) -> Result<(), DbError> {
        let failed = |error: nexus_core::view::FoldError| DbError::Failed(error.to_string());
        for body in bodies {
            self.view.apply(body).map_err(failed)?;
            if let Some((view, _)) = &mut self.masked {
                view.apply(&masked(body)).map_err(failed)?;
            }
        }
        self.number += bodies.len() as u64;
        self.json = self.view.to_json().into();
        if let Some((view, json)) = &mut self.masked {
            *json = view.to_json().into();
        }
        Ok(())
    }

    /// The view as JSON, if nothing has to be computed for this reader.
    pub fn ready(&self, reader: &Reader) -> Option<Bytes> {
        match (reader, &self.masked) {
            (Reader::Clear, _) => Some(self.json.clone()),
            (Reader::Masked { own }, Some((view, json))) => {
                (!self.view.has_masked_of(view, own)).then(|| json.clone())
            }
            (Reader::Masked { .. }, None) => None,
        }
    }

    /// The view as JSON.
    pub fn shown(&mut self, reader: &Reader) -> Bytes {
        let (view, _) = self.masked.get_or_insert_with(|| {
            let view = self.view.masked();
            let json = view.to_json().into();
            (view, json)
        });
        let mixed = self.view.shown(view, reader);
        self.ready(reader).unwrap_or_else(|| mixed.into())
    }
}
