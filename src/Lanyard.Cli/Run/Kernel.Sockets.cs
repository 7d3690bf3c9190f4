using System.Runtime.InteropServices;

namespace Lanyard.Cli.Run;

// Sockets.
internal static unsafe partial class Kernel
{
    public const int DomainUnix = 1;
    public const int DomainV4 = 2;
    public const int DomainV6 = 10;
    public const int StreamType = 1;
    public const int DatagramType = 2;

    public const int Peek = 0x2; // MSG_PEEK
    public const int DoNotWait = 0x40; // MSG_DONTWAIT
    public const int WaitForOne = 0x10000; // MSG_WAITFORONE
    public const int NoSignal = 0x4000; // MSG_NOSIGNAL
    public const int ErrorQueue = 0x2000; // MSG_ERRQUEUE

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

    /// <summary><c>struct msghdr</c>, 56 bytes. Its addresses may be of another process.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Message
    {
        public nuint Name;
        public int NameLength;
        public nuint Extents;
        public nuint ExtentCount;
        public nuint Control;
        public nuint ControlLength;
        public int Flags;
        public int Padding;
    }
}
