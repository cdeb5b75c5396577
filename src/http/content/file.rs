//! Content on the disk: firmware, which is not read into memory as a whole.

use std::io::{self, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use futures_util::stream;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::{About, ETag};

/// How much of a file is in memory for each request.
const PIECE: usize = 64 * 1024;

/// A file that is open.
#[derive(Debug)]
pub struct FileContent {
    file: File,
    length: u64,
    etag: ETag,
    modified: Option<SystemTime>,
}

/// Opens the file of that name in a folder.
///
/// The name is one plain file name: no separators, not `.` or `..`. A link may lead to another file of
/// the folder or below it, but not out of it.
///
/// # Errors
/// `NotFound` for every name that is not one, and for what is no regular file inside the folder; else
/// what the file system says.
pub async fn open_inside(folder: &Path, name: &str) -> io::Result<FileContent> {
    let not_found = || io::Error::from(io::ErrorKind::NotFound);
    if !is_plain(name) {
        return Err(not_found());
    }
    let (folder, name) = (folder.to_owned(), name.to_owned());
    let open = tokio::task::spawn_blocking(move || open(folder, &name));
    let (file, metadata) = open.await.map_err(io::Error::other)??;
    let modified = metadata.modified().ok();
    // As other servers do it: a file that is written anew has another time or inode.
    let etag = format!(
        "\"{:x}-{:x}-{:x}-{:x}\"",
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ino()
    );
    Ok(FileContent {
        file: File::from_std(file),
        length: metadata.len(),
        etag: ETag(etag),
        modified,
    })
}

fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let one = matches!(parts.next(), Some(Component::Normal(part)) if part == name);
    one && parts.next().is_none() && name.len() <= 255 && !name.contains(['\0', '/', '\\'])
}

fn open(folder: PathBuf, name: &str) -> io::Result<(std::fs::File, std::fs::Metadata)> {
    let not_found = || io::Error::from(io::ErrorKind::NotFound);
    let folder = folder.canonicalize()?;
    let path = folder.join(name).canonicalize()?;
    // Looked at before it is opened, because opening a pipe waits for its other end.
    if !path.starts_with(&folder) || !path.metadata()?.is_file() {
        return Err(not_found());
    }
    let file = std::fs::File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(not_found()) }
}

impl FileContent {
    /// How long it is, in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Its entity tag.
    pub fn etag(&self) -> &ETag {
        &self.etag
    }

    /// The answer to a GET or HEAD with these headers: 200, 206, 304 or 416. A file that becomes shorter
    /// meanwhile ends the connection, so that nobody takes a part for the whole.
    pub fn answer(
        self,
        content_type: HeaderValue,
        method: &Method,
        headers: &HeaderMap,
    ) -> Response {
        let Self { file, length, etag, modified } = self;
        let about = About { length, content_type, etag, modified };
        about.answer(method, headers, |start, length| pieces(file, start, length))
    }
}

/// `length` bytes of a file from `start`, piece by piece as the client takes them.
fn pieces(file: File, start: u64, length: u64) -> Body {
    let state = (file, Some(start), length);
    Body::from_stream(stream::try_unfold(state, async |(mut file, seek, left)| {
        if left == 0 {
            return Ok::<_, io::Error>(None);
        }
        if let Some(start) = seek {
            file.seek(SeekFrom::Start(start)).await?;
        }
        let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let mut piece = Vec::with_capacity(most);
        let read = (&mut file).take(most as u64).read_buf(&mut piece).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some((Bytes::from(piece), (file, None, left.saturating_sub(read as u64)))))
    }))
}
