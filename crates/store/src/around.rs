//! What a store around another one has no say in.

/// All of [`Store`](crate::Store) but `commit`, by the store in this field: in `impl Store for …`, in a crate that knows
/// `bytes` and `troupe_chain`.
#[macro_export]
macro_rules! all_but_commit {
    ($inner:tt) => {
        fn head(&self, chain: &troupe_chain::Hash) -> Result<Option<$crate::Head>, $crate::StoreError> {
            self.$inner.head(chain)
        }

        fn chains(&self) -> Result<Vec<(troupe_chain::Hash, $crate::Head)>, $crate::StoreError> {
            self.$inner.chains()
        }

        fn entry(
            &self,
            chain: &troupe_chain::Hash,
            seq: u64,
        ) -> Result<Option<bytes::Bytes>, $crate::StoreError> {
            self.$inner.entry(chain, seq)
        }

        fn find(
            &self,
            chain: &troupe_chain::Hash,
            name: &troupe_chain::Hash,
        ) -> Result<Option<u64>, $crate::StoreError> {
            self.$inner.find(chain, name)
        }

        fn blob(
            &self,
            chain: &troupe_chain::Hash,
            name: &troupe_chain::Hash,
        ) -> Result<Option<bytes::Bytes>, $crate::StoreError> {
            self.$inner.blob(chain, name)
        }

        fn erase(
            &self,
            chain: &troupe_chain::Hash,
            names: &[troupe_chain::Hash],
            allow: &dyn Fn() -> bool,
        ) -> Result<Option<$crate::Erased>, $crate::StoreError> {
            self.$inner.erase(chain, names, allow)
        }

        fn row(&self, key: &[u8]) -> Result<Option<bytes::Bytes>, $crate::StoreError> {
            self.$inner.row(key)
        }

        fn rows(
            &self,
            prefix: &[u8],
            after: Option<&[u8]>,
            limit: usize,
        ) -> Result<Vec<(bytes::Bytes, bytes::Bytes)>, $crate::StoreError> {
            self.$inner.rows(prefix, after, limit)
        }

        fn put_shared(&self, name: &troupe_chain::Hash, bytes: &[u8]) -> Result<(), $crate::StoreError> {
            self.$inner.put_shared(name, bytes)
        }

        fn shared(&self, name: &troupe_chain::Hash) -> Result<Option<bytes::Bytes>, $crate::StoreError> {
            self.$inner.shared(name)
        }

        fn usage(&self) -> Result<$crate::Usage, $crate::StoreError> {
            self.$inner.usage()
        }

        fn ready(&self) -> Result<(), $crate::StoreError> {
            self.$inner.ready()
        }
    };
}
