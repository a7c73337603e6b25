mod delivery;
mod estate;
mod foreign;
mod keys;
mod policies;
mod shared;
mod whole;
