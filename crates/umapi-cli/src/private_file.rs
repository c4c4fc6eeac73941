//! Private files: readable only by their owner.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::failure::{Failure, Result};

/// Creates a file that only its owner can read (mode 0600). An existing file is not changed.
pub(crate) fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    write_to(&mut options().create_new(true).open(path)?, content)
}

/// Writes a file that only its owner can read, and replaces an existing one atomically.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    // A temporary file is created with the mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    write_to(file.as_file_mut(), content)?;
    file.persist(path)?;
    sync_folder(folder)
}

/// Writes a file atomically, as [`replace`], but keeps the permissions and the owner of an existing one.
///
/// # Errors
///
/// If the file is read-only or not a regular file, or cannot be written. Then it is as it was.
pub(crate) fn rewrite(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    match fs::metadata(path) {
        Ok(old) if !old.is_file() => return Err(io::Error::other("it is not a regular file")),
        // Replacing the file would get around this.
        Ok(old) if old.permissions().readonly() => {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
        }
        Ok(old) => keep_rights(file.as_file(), &old)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    write_to(file.as_file_mut(), content)?;
    file.persist(path)?;
    sync_folder(folder)
}

/// Writes a plan to a file, or to a device or a pipe.
///
/// # Errors
///
/// If it cannot be written. A file that was there is as it was.
pub(crate) fn write_plan(path: &Path, plan: serde_json::Result<Vec<u8>>) -> Result<()> {
    let write = || -> io::Result<()> {
        let mut plan = plan?;
        if plan.last().is_some_and(|end| *end != b'\n') {
            plan.push(b'\n');
        }
        match is_special(path) {
            true => fs::write(path, plan),
            false => replace(path, &plan),
        }
    };
    write().map_err(|error| {
        Failure::failed(format!("cannot write the plan to {}", path.display()))
            .why(error)
            .remedy("name a file in a folder that you can write to")
    })
}

#[cfg(unix)]
fn keep_rights(file: &File, old: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        fchown(file, Some(old.uid()), Some(old.gid()))
            .map_err(|error| io::Error::new(error.kind(), format!("it belongs to another user or group ({error})")))?;
    }
    file.set_permissions(old.permissions())
}

#[cfg(not(unix))]
fn keep_rights(_: &File, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// Returns the file that a path means in the end, if it is a link, so that the file can be replaced and the link stays.
///
/// # Errors
///
/// If it is a link to a file that does not exist.
pub(crate) fn target_of(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match path.is_symlink() {
            true => Err(io::Error::new(error.kind(), "it is a link to a file that does not exist")),
            false => Ok(path.to_owned()),
        },
        target => target,
    }
}

/// Waits until no other process holds the lock of a folder, and holds it until it is dropped.
///
/// Where folders cannot be locked, e.g. on Windows, a file in it is. Where there are no locks, as on some network drives, this
/// does nothing.
pub(crate) fn lock_folder(folder: &Path) -> io::Result<File> {
    #[cfg(unix)]
    let file = File::open(folder)?;
    #[cfg(not(unix))]
    let file = options().create(true).truncate(false).open(folder.join(".umapi-lock"))?;
    // Without a lock, two changes in one moment can still lose one of them, but nothing is half written.
    let _ = file.lock();
    Ok(file)
}

/// Returns the folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether a path is a device, a pipe or a link, e.g. `/dev/stdout`, which must be written to and not replaced.
pub(crate) fn is_special(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|file| !file.is_file() && !file.is_dir())
}

/// Writes the names of the files in a folder to the disk, so that a renamed or new file keeps its name after a power
/// failure. Does nothing on systems where folders cannot be synced.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Creates a folder that only its owner can enter, and its missing parents.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Whether other users can change the file. Always `false` on systems without file modes.
pub(crate) fn is_writable_by_others(path: &Path) -> bool {
    #[cfg(unix)]
    return fs::metadata(path)
        .is_ok_and(|file| std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o022 != 0);
    #[cfg(not(unix))]
    return false;
}

/// Whether other users can read or change the file. Always `false` for pipes and devices, and on systems without file modes.
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    #[cfg(unix)]
    return fs::metadata(path)
        .is_ok_and(|file| file.is_file() && std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o077 != 0);
    #[cfg(not(unix))]
    return false;
}

/// Takes the rights of other users from a file, as far as possible.
pub(crate) fn close_to_others(path: &Path) {
    #[cfg(unix)]
    if is_open_to_others(path) {
        // A user who does not own the file cannot, and then it is not theirs to protect.
        let _ = fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600));
    }
    #[cfg(not(unix))]
    let _ = path;
}

fn write_to(file: &mut File, content: &[u8]) -> io::Result<()> {
    file.write_all(content)?;
    file.sync_all()
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_files_are_for_their_owner_and_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        create(&path, b"one").unwrap();
        assert!(!is_open_to_others(&path));
        assert_eq!(create(&path, b"two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        replace(&path, b"three").unwrap();
        assert!(!is_open_to_others(&path));
        assert_eq!(fs::read(&path).unwrap(), b"three");
    }

    #[cfg(unix)]
    #[test]
    fn rewritten_file_keeps_its_link_and_its_rights() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let [file, link, dangling] = ["file", "link", "dangling"].map(|name| folder.path().join(name));
        fs::write(&file, "one").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        let target = target_of(&link).unwrap();
        let lock = lock_folder(folder_of(&target)).unwrap();
        rewrite(&target, b"two").unwrap();
        drop(lock);
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        symlink(folder.path().join("nowhere"), &dangling).unwrap();
        assert!(target_of(&dangling).unwrap_err().to_string().contains("does not exist"));

        fs::set_permissions(&file, fs::Permissions::from_mode(0o440)).unwrap();
        assert_eq!(rewrite(&file, b"three").unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert!(rewrite(folder.path(), b"three").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[cfg(unix)]
    #[test]
    fn file_that_others_can_read_is_detected() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(is_open_to_others(file.path()));
    }
}
