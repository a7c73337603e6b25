mod delivery;
mod estate;
mod foreign;
mod keys;
mod policies;
mod shared;
mod waived;
mod whole;
