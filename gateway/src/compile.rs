//! From a configuration to what requests see: sites with their upstreams, and the pages that go with them.
//!
//! Owns what is opened for that, at the start and at each reload alike.

use std::sync::Arc;

use doorward_config::Live;

use crate::metrics::Metrics;
use crate::pages::Pages;
use crate::sites::{Openers, Sites};
use crate::upstream::Upstreams;

/// Compiles configurations.
pub struct Compiler {
    /// Serves the pages of each.
    pub pages: Pages,
    /// Opens upstreams.
    pub upstreams: Upstreams,
    /// Counts.
    pub metrics: Arc<Metrics>,
}

impl Compiler {
    /// Compiles one.
    ///
    /// # Errors
    /// Something that it names cannot be opened, or a page or a metric cannot be made, which is a defect.
    pub fn compile(&self, live: Live) -> anyhow::Result<Sites> {
        let openers = Openers {
            pages: &|live| self.pages.open(live),
            upstream: &|site| self.upstreams.open(site),
        };
        Sites::compile(live, openers, &self.metrics)
    }
}
