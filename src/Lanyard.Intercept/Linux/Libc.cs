using System.Runtime.InteropServices;

namespace Lanyard.Intercept.Linux;

/// <summary>The C library's functions for sockets, by descriptor. They return -1 on failure, with the reason in <see cref="Error"/>.</summary>
internal static unsafe partial class Libc
{
    public const int DomainUnix = 1;
    public const int DomainV4 = 2;
    public const int DomainV6 = 10;
    public const int DomainNetlink = 16;
    public const int StreamType = 1;
    public const int DatagramType = 2;

    public const int Tcp = 6; // IPPROTO_TCP
    public const int Udp = 17; // IPPROTO_UDP
    public const int MultipathTcp = 262; // IPPROTO_MPTCP
    public const int EchoV4 = 1; // IPPROTO_ICMP
    public const int EchoV6 = 58; // IPPROTO_ICMPV6

    public const int SolSocket = 1;
    public const int PassRights = 1; // SCM_RIGHTS

    public const int OutOfBand = 0x1; // MSG_OOB
    public const int Peek = 0x2; // MSG_PEEK
    public const int FastOpen = 0x20000000; // MSG_FASTOPEN
    public const int DoNotWait = 0x40; // MSG_DONTWAIT
    public const int WaitForOne = 0x10000; // MSG_WAITFORONE
    public const int NoSignal = 0x4000; // MSG_NOSIGNAL
    public const int ErrorQueue = 0x2000; // MSG_ERRQUEUE
    public const int CloseReceivedOnExec = 0x40000000; // MSG_CMSG_CLOEXEC

    public const int CloseOnExec = 0x80000; // O_CLOEXEC, SOCK_CLOEXEC, EPOLL_CLOEXEC
    public const int NonBlocking = 0x800; // O_NONBLOCK, SOCK_NONBLOCK
    public const int DuplicateFrom = 0; // F_DUPFD
    public const int SetDescriptorFlags = 2; // F_SETFD
    public const int GetStatusFlags = 3; // F_GETFL
    public const int SetStatusFlags = 4; // F_SETFL
    public const int DescriptorCloseOnExec = 1; // FD_CLOEXEC

    public const int PollIn = 1;
    public const int PollOut = 4;
    public const int PollError = 8;
    public const int PollHangUp = 16;

    private const int OfDescriptor = 0x1000; // AT_EMPTY_PATH
    private const int AtCurrentDirectory = -100; // AT_FDCWD
    private const int NotFollowed = 0x100; // AT_SYMLINK_NOFOLLOW
    private const uint TypeField = 1; // STATX_TYPE
    private const uint ModeField = 2; // STATX_MODE
    private const uint UserField = 8; // STATX_UID
    private const uint InodeField = 0x100; // STATX_INO
    private const uint SizeField = 0x200; // STATX_SIZE
    private const int TypeMask = 0xf000; // S_IFMT
    private const int WriteAccess = 2; // W_OK
    private const int ReadAccess = 4; // R_OK
    private const int SocketFileType = 0xc000; // S_IFSOCK

    /// <summary>The error number of the last failed call.</summary>
    public static int Error => Marshal.GetLastPInvokeError();

    /// <summary>Reads the owner of a descriptor's file: for a socket, the user that created it.</summary>
    public static bool TryGetUser(int descriptor, out uint user)
    {
        StatusMessage status = default;
        var isKnown = Status(descriptor, "", OfDescriptor, UserField, &status) == 0 && (status.Mask & UserField) != 0;
        user = status.User;
        return isKnown;
    }

    /// <summary>Returns whether the file at a path is a Unix domain socket.</summary>
    public static bool IsSocket(string path)
    {
        StatusMessage status = default;
        return Status(AtCurrentDirectory, path, 0, TypeField, &status) == 0 && (status.Mode & TypeMask) == SocketFileType;
    }

    /// <summary>Returns the inode number of a descriptor's file; 0 if the system does not report it.</summary>
    public static ulong InodeOf(int descriptor)
    {
        StatusMessage status = default;
        return Status(descriptor, "", OfDescriptor, InodeField, &status) == 0 ? status.Inode : 0;
    }

    /// <summary>Returns the number of entries that a proc(5) folder reports; null if it reports none.</summary>
    public static ulong? CountEntries(string path)
    {
        StatusMessage status = default;
        return Status(AtCurrentDirectory, path, 0, SizeField, &status) == 0 && status.Size > 0 ? status.Size : null;
    }

    /// <summary>Returns the type, permissions and owner of a file, without following a symbolic link. Returns false if the file is missing.</summary>
    /// <param name="path">The path.</param>
    /// <param name="mode">The type and permissions (<c>st_mode</c>).</param>
    /// <param name="user">The user ID of the owner.</param>
    public static bool TryGetStatus(string path, out int mode, out uint user)
    {
        StatusMessage status = default;
        var isThere = Status(AtCurrentDirectory, path, NotFollowed, TypeField | ModeField | UserField, &status) == 0;
        (mode, user) = (status.Mode, status.User);
        return isThere;
    }

    /// <summary>Returns whether this process may write to the file at a path.</summary>
    public static bool MayWrite(string path) => Access(path, WriteAccess) == 0;

    /// <summary>Returns whether this process may read the file at a path.</summary>
    public static bool MayRead(string path) => Access(path, ReadAccess) == 0;

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int domain, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    public static partial int Bind(int socket, byte* name, int length);

    [LibraryImport("libc", EntryPoint = "connect", SetLastError = true)]
    public static partial int Connect(int socket, byte* name, int length);

    [LibraryImport("libc", EntryPoint = "listen", SetLastError = true)]
    public static partial int Listen(int socket, int backlog);

    [LibraryImport("libc", EntryPoint = "accept4", SetLastError = true)]
    public static partial int Accept(int socket, byte* name, int* length, int flags);

    [LibraryImport("libc", EntryPoint = "getsockname", SetLastError = true)]
    public static partial int GetSocketName(int socket, byte* name, int* length);

    [LibraryImport("libc", EntryPoint = "getpeername", SetLastError = true)]
    public static partial int GetPeerName(int socket, byte* name, int* length);

    [LibraryImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
    public static partial int GetOption(int socket, int level, int option, void* value, int* length);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    public static partial int SetOption(int socket, int level, int option, void* value, int length);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    public static partial nint SendMessage(int socket, Message* message, int flags);

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    public static partial nint ReceiveMessage(int socket, Message* message, int flags);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    public static partial nint SendMessage(SafeHandle socket, Message* message, int flags);

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    public static partial nint ReceiveMessage(SafeHandle socket, Message* message, int flags);

    /// <summary>Returns the index of a network interface; 0 if no interface has the name.</summary>
    [LibraryImport("libc", EntryPoint = "if_nametoindex", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial uint InterfaceIndex(string name);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Flags(int descriptor, int operation, nint argument);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollEntry* entries, nuint count, int timeoutMs);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "access", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(string path, int mode);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Status(int descriptor, string path, int flags, uint fields, StatusMessage* status);

    /// <summary><c>struct msghdr</c>, 56 bytes. Its pointers may refer to the memory of another process.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Message
    {
        public nuint Name;
        public int NameLength;
        public nuint IoVectors;
        public nuint IoVectorCount;
        public nuint Control;
        public nuint ControlLength;
        public int Flags;
        public int Padding;
    }

    /// <summary><c>struct iovec</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public nuint Base;
        public nuint Length;
    }

    /// <summary><c>struct cmsghdr</c> with room for two descriptors. With one descriptor, 20 bytes are valid.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct DescriptorControl
    {
        public const int HeaderBytes = 16;
        public const int UsedBytes = 20;
        public const int UsedBytesOfTwo = 24;

        public nuint Length;
        public int Level;
        public int Type;
        public int Descriptor;
        public int Second;
    }

    /// <summary><c>struct pollfd</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PollEntry
    {
        public int Descriptor;
        public short Wanted;
        public short Found;
    }

    /// <summary><c>struct statx</c>, 256 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 256)]
    private struct StatusMessage
    {
        public uint Mask;
        public uint BlockBytes;
        public ulong Attributes;
        public uint Links;
        public uint User;
        public uint Group;
        public ushort Mode;
        public ushort Padding;
        public ulong Inode;
        public ulong Size;
    }
}
