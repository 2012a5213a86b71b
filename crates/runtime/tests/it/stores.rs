//! What the stores of these tests have in common.

/// All of a store but `commit`, by the store in this field.
macro_rules! all_but_commit {
    ($inner:ident) => {
        fn head(
            &self,
            chain: &troupe_chain::Hash,
        ) -> Result<Option<troupe_store::Head>, troupe_store::StoreError> {
            self.$inner.head(chain)
        }

        fn chains(&self) -> Result<Vec<(troupe_chain::Hash, troupe_store::Head)>, troupe_store::StoreError> {
            self.$inner.chains()
        }

        fn entry(
            &self,
            chain: &troupe_chain::Hash,
            seq: u64,
        ) -> Result<Option<bytes::Bytes>, troupe_store::StoreError> {
            self.$inner.entry(chain, seq)
        }

        fn find(
            &self,
            chain: &troupe_chain::Hash,
            name: &troupe_chain::Hash,
        ) -> Result<Option<u64>, troupe_store::StoreError> {
            self.$inner.find(chain, name)
        }

        fn blob(
            &self,
            chain: &troupe_chain::Hash,
            name: &troupe_chain::Hash,
        ) -> Result<Option<bytes::Bytes>, troupe_store::StoreError> {
            self.$inner.blob(chain, name)
        }

        fn erase(
            &self,
            chain: &troupe_chain::Hash,
            names: &[troupe_chain::Hash],
            allow: &dyn Fn() -> bool,
        ) -> Result<Option<troupe_store::Erased>, troupe_store::StoreError> {
            self.$inner.erase(chain, names, allow)
        }

        fn row(&self, key: &[u8]) -> Result<Option<bytes::Bytes>, troupe_store::StoreError> {
            self.$inner.row(key)
        }

        fn rows(
            &self,
            prefix: &[u8],
            after: Option<&[u8]>,
            limit: usize,
        ) -> Result<Vec<(bytes::Bytes, bytes::Bytes)>, troupe_store::StoreError> {
            self.$inner.rows(prefix, after, limit)
        }

        fn put_shared(
            &self,
            name: &troupe_chain::Hash,
            bytes: &[u8],
        ) -> Result<(), troupe_store::StoreError> {
            self.$inner.put_shared(name, bytes)
        }

        fn shared(
            &self,
            name: &troupe_chain::Hash,
        ) -> Result<Option<bytes::Bytes>, troupe_store::StoreError> {
            self.$inner.shared(name)
        }

        fn usage(&self) -> Result<troupe_store::Usage, troupe_store::StoreError> {
            self.$inner.usage()
        }

        fn ready(&self) -> Result<(), troupe_store::StoreError> {
            self.$inner.ready()
        }
    };
}
