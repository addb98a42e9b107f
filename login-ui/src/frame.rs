//! What every page has around it: title, addresses of the stylesheet and the script.
//!
//! Owns the values that `base.html` reads. Must not know what is on the page.

use doorward_config::Live;

use crate::assets::ASSETS;

/// The values of `base.html`.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The page's own title.
    pub(crate) heading: &'static str,
    /// The operator's title.
    pub(crate) site: String,
    /// Where the portal lives, without a slash at the end.
    pub(crate) portal: String,
    /// Whether the page shows an error, for the window's title.
    pub(crate) failed: bool,
    /// Whether it is the wider column.
    pub(crate) wide: bool,
    /// File name of the stylesheet.
    pub(crate) style: &'static str,
    /// File name of the script.
    pub(crate) script: &'static str,
    /// File name of the icon.
    pub(crate) icon: &'static str,
}

impl Frame {
    /// The frame of a page with this heading.
    pub(crate) fn new(live: &Live, heading: &'static str) -> Self {
        Self::of(&live.portal.title, &live.portal.path, heading)
    }

    /// The same, where there is no configuration at hand.
    pub(crate) fn of(site: &str, portal: &str, heading: &'static str) -> Self {
        Self {
            heading,
            site: site.to_owned(),
            portal: portal.to_owned(),
            failed: false,
            wide: false,
            style: &ASSETS.style.name,
            script: &ASSETS.script.name,
            icon: &ASSETS.icon.name,
        }
    }

    /// The same page in the wider column.
    pub(crate) fn wide(mut self) -> Self {
        self.wide = true;
        self
    }
}
