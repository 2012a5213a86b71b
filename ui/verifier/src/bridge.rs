//! The edge to the page: three exports and two imports, numbers only.
//!
//! The page makes room with [`input`], writes a list there, calls [`call`], and reads as many bytes as that says from
//! [`output`]. A call may come while another waits for the guest, so that each takes its input with it at once.
#![cfg_attr(target_arch = "wasm32", allow(unsafe_code, reason = "a page can pass nothing but addresses"))]

#[cfg(target_arch = "wasm32")]
mod edge {
    use std::cell::RefCell;

    thread_local! {
        static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }

    #[link(wasm_import_module = "page")]
    unsafe extern "C" {
        /// Calls the guest with a list; says how long the answer is.
        fn guest(list: *const u8, length: usize) -> usize;
        /// Writes that answer.
        fn take(to: *mut u8);
    }

    /// Makes room for so many bytes of a list.
    #[unsafe(no_mangle)]
    pub extern "C" fn input(length: usize) -> *mut u8 {
        INPUT.with_borrow_mut(|input| {
            input.clear();
            input.resize(length, 0);
            input.as_mut_ptr()
        })
    }

    /// Does what the list asks for; says how long the answer is.
    #[unsafe(no_mangle)]
    pub extern "C" fn call() -> usize {
        let input = INPUT.take();
        let answer = crate::answer(&input);
        let length = answer.len();
        OUTPUT.set(answer);
        length
    }

    /// Where the answer is, until the next call.
    #[unsafe(no_mangle)]
    pub extern "C" fn output() -> *const u8 {
        OUTPUT.with_borrow(|output| output.as_ptr())
    }

    pub(crate) fn ask_guest(list: &[u8]) -> Vec<u8> {
        // SAFETY: the page reads exactly this list, and writes as many bytes as it said.
        unsafe {
            let mut answer = vec![0; guest(list.as_ptr(), list.len())];
            take(answer.as_mut_ptr());
            answer
        }
    }
}

/// Asks the page to call the guest.
#[cfg(target_arch = "wasm32")]
pub(crate) fn ask_guest(list: &[u8]) -> Vec<u8> {
    edge::ask_guest(list)
}

/// There is no guest elsewhere than in a page.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn ask_guest(_: &[u8]) -> Vec<u8> {
    crate::pack(&["abort", "there is no browser here"])
}
