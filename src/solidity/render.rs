//! From a contract to its source.

use askama::Template;

use super::{
    SolidityError,
    contract::{RUNTIME_LIMIT, RenderedContract, VerifierContract},
    source::Source,
};

impl VerifierContract {
    /// The contract's source.
    pub fn render(&self) -> Result<RenderedContract, SolidityError> {
        let key_data_bytes = self.key_data().len();
        if key_data_bytes > RUNTIME_LIMIT {
            return Err(SolidityError::KeyTooLarge {
                points: self.layout.key_points.len(),
                bytes: key_data_bytes,
                limit: RUNTIME_LIMIT,
            });
        }
        let source = Source::new(self).render()?;
        Ok(RenderedContract {
            name: self.name.clone(),
            source,
            vk_digest: self.vk_digest(),
            proof_length: self.proof_length(),
            num_instances: self.protocol.num_instances(),
            key_data_bytes,
            unsafe_dev_srs: self.is_unsafe_dev(),
        })
    }
}
