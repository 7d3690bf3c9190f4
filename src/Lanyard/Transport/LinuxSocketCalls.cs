#if NET
using System.Runtime.InteropServices;

namespace Lanyard;

/// <summary>Linux's calls for many datagrams at once: <c>recvmmsg(2)</c>, <c>sendmmsg(2)</c>, <c>udp(7)</c>.</summary>
internal static unsafe partial class LinuxSocketCalls
{
    public const int SolSocket = 1;
    public const int SoMemInfo = 55;
    public const int MemoryInfoFields = 9;
    public const int SolUdp = 17;
    public const int UdpSegment = 103;
    public const int UdpGro = 104;
    public const int MsgDontWait = 0x40;
    public const int MsgWaitForOne = 0x1_0000;

    public const int Eintr = 4;
    public const int Eio = 5;
    public const int Eagain = 11;
    public const int Einval = 22;
    public const int Emsgsize = 90;

    /// <summary>The bytes of a control message with one integer, padding included.</summary>
    public const int ControlBytes = 24;

    /// <summary>Sends messages; returns how many, or -1.</summary>
    [LibraryImport("libc", EntryPoint = "sendmmsg", SetLastError = true)]
    public static partial int SendMany(SafeHandle socket, Message* messages, uint count, int flags);

    /// <summary>Receives messages; returns how many, or -1.</summary>
    [LibraryImport("libc", EntryPoint = "recvmmsg", SetLastError = true)]
    public static partial int ReceiveMany(SafeHandle socket, Message* messages, uint count, int flags, void* timeout);

    /// <summary><c>struct iovec</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Buffer
    {
        public byte* Base;
        public nuint Length;
    }

    /// <summary><c>struct mmsghdr</c>: a <c>msghdr</c>, then the bytes that were received or sent.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Message
    {
        public byte* Name;
        public uint NameLength;
        public Buffer* Buffers;
        public nuint BufferCount;
        public byte* Control;
        public nuint ControlLength;
        public int Flags;
        public int Padding;
        public uint Transferred;
        public int TailPadding;
    }

    /// <summary><c>struct cmsghdr</c> with an integer behind it.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct ControlMessage
    {
        public nuint Length;
        public int Level;
        public int Type;
        public int Value;
        public int Padding;
    }
}
#endif
