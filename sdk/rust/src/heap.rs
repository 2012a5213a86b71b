//! The heap of an actor: memory is handed out and never taken back.
//!
//! An instance serves one message and is gone, so there is nothing to gain from freeing. What there is to gain is to stay
//! within the memory that an instance begins with: growing it costs the host more than a whole small message does.
//!
//! Deliberately absent: threads; a component has none.
#![cfg(target_arch = "wasm32")]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size};
use core::cell::Cell;
use core::ptr::null_mut;

const PAGE: usize = 64 * 1024;

unsafe extern "C" {
    /// Where the linker says that data ends and the heap begins.
    static __heap_base: u8;
}

/// To be used as `#[global_allocator] static HEAP: Heap = Heap::new();`.
pub struct Heap {
    /// The first byte that is free; 0 before the first use.
    next: Cell<usize>,
}

// SAFETY: a component has one thread.
unsafe impl Sync for Heap {}

impl Heap {
    /// A heap of which nothing is used.
    pub const fn new() -> Self {
        Self { next: Cell::new(0) }
    }

    /// Moves the end of what is used to `end`, and grows memory if it does not reach so far.
    fn reach(&self, end: usize) -> bool {
        let size = memory_size(0) * PAGE;
        if end > size && memory_grow(0, (end - size).div_ceil(PAGE)) == usize::MAX {
            return false;
        }
        self.next.set(end);
        true
    }
}

impl Default for Heap {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: blocks are aligned, do not overlap and stay within memory, since `next` never goes back over one that is used.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let next = match self.next.get() {
            0 => (&raw const __heap_base) as usize,
            next => next,
        };
        let start = next.next_multiple_of(layout.align());
        match start.checked_add(layout.size()) {
            Some(end) if self.reach(end) => start as *mut u8,
            _ => null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // The last block can be handed out again, which suits buffers that come and go.
        if block as usize + layout.size() == self.next.get() {
            self.next.set(block as usize);
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let start = block as usize;
        if start + layout.size() == self.next.get() {
            return match start.checked_add(size) {
                Some(end) if self.reach(end) => block,
                _ => null_mut(),
            };
        }
        if size <= layout.size() {
            return block;
        }
        // SAFETY: the caller vouches for `block` and `layout`; the new block is at least as large.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                core::ptr::copy_nonoverlapping(block, new, layout.size());
            }
            new
        }
    }
}
