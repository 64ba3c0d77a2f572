pub fn setup(_: &mut crate::Thread) -> crate::PyResult<()> {
    Ok(())
}
