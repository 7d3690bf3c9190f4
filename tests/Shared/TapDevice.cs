using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace Lanyard.Tests.Shared;

/// <summary>A Linux TAP device in the calling thread's network namespace. Needs root.</summary>
internal sealed partial class TapDevice : IDisposable
{
    private const int OpenReadWrite = 2;
    private const int OpenNonBlocking = 0x800;
    private const int OpenCloseOnExec = 0x80000;
    private const uint SetInterface = 0x400454ca;
    private const short Tap = 2;
    private const short NoPacketInformation = 0x1000;
    private const short PollIn = 1;
    private readonly int _file;

    public TapDevice(string name)
    {
        _file = Open("/dev/net/tun", OpenReadWrite | OpenNonBlocking | OpenCloseOnExec, 0);
        if (_file < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        var request = new byte[40];
        Encoding.ASCII.GetBytes(name, request);
        BitConverter.TryWriteBytes(request.AsSpan(16), (short)(Tap | NoPacketInformation));
        if (Control(_file, SetInterface, request) < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    /// <summary>Waits until a frame can be read, at most so long.</summary>
    public void Wait(int milliseconds)
    {
        var poll = new PollEntry { File = _file, Events = PollIn };
        Poll(ref poll, 1, milliseconds);
    }

    /// <summary>Reads one frame; 0 if there is none.</summary>
    public unsafe int Read(Span<byte> frame)
    {
        fixed (byte* bytes = frame)
            return (int)Math.Max(0, Read(_file, bytes, frame.Length));
    }

    public unsafe void Write(ReadOnlySpan<byte> frame)
    {
        fixed (byte* bytes = frame)
            _ = Write(_file, bytes, frame.Length);
    }

    public void Dispose() => _ = Close(_file);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(int file, nuint request, byte[] argument);

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(ref PollEntry entry, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "read")]
    private static unsafe partial nint Read(int file, byte* bytes, nint length);

    [LibraryImport("libc", EntryPoint = "write")]
    private static unsafe partial nint Write(int file, byte* bytes, nint length);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);

    private struct PollEntry
    {
        public int File;
        public short Events;
        public short Returned;
    }
}
