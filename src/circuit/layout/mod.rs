//! Where everything lies: [`plan`] chooses the columns, [`rows`] says what each row is, [`moves`] how cursors get
//! to where they are needed.

pub mod moves;
pub mod plan;
pub mod rows;
