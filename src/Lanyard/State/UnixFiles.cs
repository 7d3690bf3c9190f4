using System.Runtime.InteropServices;
using System.Text;

namespace Lanyard;

/// <summary>Unix system calls on files that the framework lacks on at least one target.</summary>
internal static unsafe class UnixFiles
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const int NoFollow = 0x100; // AT_SYMLINK_NOFOLLOW
    private const uint BasicFields = 0xb; // STATX_TYPE, STATX_MODE, STATX_UID
    private const uint NodeField = 0x100; // STATX_INO
    private const int LinuxCloseOnExec = 0x80000; // O_CLOEXEC
    private const int Interrupted = 4; // EINTR
    private const int BadArgument = 22; // EINVAL

    /// <summary>Whether the system is a Unix.</summary>
    public static bool AreHere { get; } = !RuntimeInformation.IsOSPlatform(OSPlatform.Windows) && Path.DirectorySeparatorChar == '/';

    /// <summary>Whether <see cref="TryGetStatus"/> reports the owner of a file.</summary>
    public static bool AreOwnersKnown { get; } = RuntimeInformation.IsOSPlatform(OSPlatform.Linux);

    /// <summary>The effective user ID of the process.</summary>
    public static uint User => geteuid();

    /// <summary>Flushes a folder's entries to the disk. Does nothing on file systems that do not support it.</summary>
    /// <exception cref="IOException">The flush failed.</exception>
    public static void SyncFolder(string path)
    {
        int folder;
        fixed (byte* name = Name(path))
            folder = open(name, RuntimeInformation.IsOSPlatform(OSPlatform.Linux) ? LinuxCloseOnExec : 0);
        // A folder without read permission cannot be opened.
        if (folder < 0)
            return;
        try
        {
            while (fsync(folder) != 0)
            {
                var error = Marshal.GetLastWin32Error();
                if (error == BadArgument)
                    return;
                if (error != Interrupted)
                    throw new IOException($"The folder '{path}' cannot be flushed to the disk (error {error}).");
            }
        }
        finally
        {
            _ = close(folder);
        }
    }

    /// <summary>Returns the type, permissions and owner of a file or folder.</summary>
    /// <param name="path">The path.</param>
    /// <param name="follow">Whether to follow a symbolic link at the end of the path.</param>
    /// <returns>Null if the path does not exist or the system does not report its status.</returns>
    public static UnixFileStatus? TryGetStatus(string path, bool follow)
    {
        try
        {
            return !AreOwnersKnown ? TryGetMode(path, follow)
                : TryRead(path, follow, BasicFields, out var status) ? new UnixFileStatus(status.Mode, status.User)
                : null;
        }
        catch (EntryPointNotFoundException)
        {
            return TryGetMode(path, follow);
        }
    }

    /// <summary>Returns a file's inode number; null if the path does not exist or the system does not report it.</summary>
    public static ulong? TryGetNode(string path)
    {
        try
        {
            return AreOwnersKnown && TryRead(path, follow: true, NodeField, out var status) ? status.Node : null;
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }

    private static bool TryRead(string path, bool follow, uint fields, out Status status)
    {
        status = default;
        fixed (byte* name = Name(path))
        fixed (Status* result = &status)
            return statx(CurrentFolder, name, follow ? 0 : NoFollow, fields, result) == 0 && (result->Mask & fields) == fields;
    }

    /// <summary>Sets the mode of a file or folder. Returns false if the system refuses.</summary>
    public static bool TrySetMode(string path, int mode)
    {
        fixed (byte* name = Name(path))
            return chmod(name, (uint)mode) == 0;
    }

    // The framework reports no owner; assume the current user.
    private static UnixFileStatus? TryGetMode(string path, bool follow)
    {
#if NET
        if (!OperatingSystem.IsWindows() && Path.Exists(path))
        {
            return !follow && new FileInfo(path).LinkTarget is not null ? new UnixFileStatus(UnixFileStatus.LinkType, User)
                : new UnixFileStatus((int)File.GetUnixFileMode(path) | (Directory.Exists(path) ? UnixFileStatus.FolderType : UnixFileStatus.FileType), User);
        }
#else
        _ = (path, follow);
#endif
        return null;
    }

#if !NET
    private const uint OwnerFolder = 0x1c0; // 0700

    /// <summary>Creates a file with mode 0600 and an unpredictable name.</summary>
    public static FileStream CreateTemporary(string start, out string path)
    {
        // mkstemp(3) replaces the six characters and opens the file exclusively, with mode 0600.
        var name = Name(start + "XXXXXX");
        int file;
        fixed (byte* template = name)
            file = mkstemp(template);
        path = Encoding.UTF8.GetString(name, 0, name.Length - 1);
        if (file < 0)
            throw Failure(path);
        return new FileStream(new Microsoft.Win32.SafeHandles.SafeFileHandle((IntPtr)file, ownsHandle: true), FileAccess.Write);
    }

    /// <summary>Creates a folder with mode 0700 unless it exists.</summary>
    public static void CreateFolder(string path)
    {
        fixed (byte* name = Name(path))
        {
            if (mkdir(name, OwnerFolder) != 0 && !Directory.Exists(path))
                throw Failure(path);
        }
    }

    /// <summary>Renames a file, replacing the destination atomically.</summary>
    public static void Rename(string from, string to)
    {
        fixed (byte* old = Name(from))
        fixed (byte* next = Name(to))
        {
            if (rename(old, next) != 0)
                throw Failure(to);
        }
    }

    private static Exception Failure(string path)
    {
        const int NotPermitted = 1; // EPERM
        const int Denied = 13; // EACCES
        var error = Marshal.GetLastWin32Error();
        var message = $"'{path}' cannot be created (error {error}).";
        return error is NotPermitted or Denied ? new UnauthorizedAccessException(message) : new IOException(message);
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int mkstemp(byte* template);

    [DllImport("libc", SetLastError = true)]
    private static extern int mkdir(byte* path, uint mode);

    [DllImport("libc", SetLastError = true)]
    private static extern int rename(byte* from, byte* to);
#endif

    private static byte[] Name(string path)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
            throw new IOException("The name of a file must not contain NUL.");
        return Encoding.UTF8.GetBytes(path + "\0");
    }

#pragma warning disable SYSLIB1054, CA2101, IDE1006 // netstandard2.1 lacks LibraryImport; strings are marshaled by hand as UTF-8; the functions keep their C names.
    [DllImport("libc", SetLastError = true)]
    private static extern int open(byte* path, int flags);

    [DllImport("libc", SetLastError = true)]
    private static extern int close(int descriptor);

    [DllImport("libc", SetLastError = true)]
    private static extern int fsync(int descriptor);

    [DllImport("libc", SetLastError = true)]
    private static extern int chmod(byte* path, uint mode);

    [DllImport("libc", SetLastError = true)]
    private static extern int statx(int folder, byte* path, int flags, uint mask, Status* status);

    [DllImport("libc")]
    private static extern uint geteuid();
#pragma warning restore SYSLIB1054, CA2101, IDE1006

    /// <summary>The beginning of <c>struct statx</c>.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 256)]
    private struct Status
    {
        public uint Mask;
        public uint BlockSize;
        public ulong Attributes;
        public uint Links;
        public uint User;
        public uint Group;
        public ushort Mode;
        public ulong Node;
    }
}

/// <summary>The status of a file or folder.</summary>
/// <param name="Mode">The type and permissions.</param>
/// <param name="User">The user ID of the owner.</param>
internal readonly record struct UnixFileStatus(int Mode, uint User)
{
    public const int LinkType = 0xa000; // S_IFLNK
    public const int FileType = 0x8000; // S_IFREG
    public const int FolderType = 0x4000; // S_IFDIR
    private const int TypeMask = 0xf000; // S_IFMT

    public bool IsLink => (Mode & TypeMask) == LinkType;

    public bool IsFile => (Mode & TypeMask) == FileType;

    public bool IsFolder => (Mode & TypeMask) == FolderType;

    /// <summary>The permission bits.</summary>
    public int Permissions => Mode & 0xfff;
}
