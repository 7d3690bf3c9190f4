using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Lanyard.Intercept.Supervision;

namespace Lanyard.Intercept.Linux;

/// <summary>System calls for supervising a program (<c>seccomp_unotify(2)</c>, <c>pidfd_getfd(2)</c>, <c>process_vm_readv(2)</c>).</summary>
internal static unsafe partial class Kernel
{
    public const int ReceiveCall = unchecked((int)0xc0502100); // SECCOMP_IOCTL_NOTIF_RECV
    public const int SendAnswer = unchecked((int)0xc0182101); // SECCOMP_IOCTL_NOTIF_SEND
    public const int IsCallValid = 0x40082102; // SECCOMP_IOCTL_NOTIF_ID_VALID
    public const int AddDescriptor = 0x40182103; // SECCOMP_IOCTL_NOTIF_ADDFD

    private const int SeccompNumberX64 = 317;
    private const int SeccompNumberArm64 = 277;
    private const int PidfdOpenNumber = 434;
    private const int PidfdGetfdNumber = 438;
    private const uint PidfdThread = 0x80; // Since Linux 6.9.
    private const int SetNoNewPrivileges = 38;
    private const int SetTracer = 0x59616d61;
    private const int SetFilter = 1;
    private const int NewListener = 8;
    private const int WaitKillable = 32; // Since Linux 5.19.
    private const int DescriptorLimit = 7; // RLIMIT_NOFILE
    private const int OwnFiles = 0x400; // CLONE_FILES

    /// <summary>
    /// Installs a filter for the system calls of this thread. Returns the descriptor that reports stopped calls, or -1. After the supervisor has received a
    /// call, only fatal signals interrupt it.
    /// </summary>
    public static int InstallFilter(ReadOnlySpan<FilterStep> filter) => TryForgoPrivileges() ? Install(filter, NewListener | WaitKillable) : -1;

    /// <summary>Installs a filter that stops no calls, for this thread and its descendants. Call <see cref="TryForgoPrivileges"/> first.</summary>
    public static bool TryRefuse(ReadOnlySpan<FilterStep> filter) => Install(filter, 0) == 0;

    /// <summary>Denies this thread and its descendants privileges from the programs that they run (set-user-ID, file capabilities).</summary>
    public static bool TryForgoPrivileges() => ProcessControl(SetNoNewPrivileges, 1, 0, 0, 0) == 0;

    /// <summary>Permits a process to duplicate this process's descriptors, for systems that restrict that to ancestors (Yama).</summary>
    public static void AllowTracer(int process) => ProcessControl(SetTracer, process, 0, 0, 0);

    /// <summary>Duplicates a descriptor of another process, or of one of its threads. Returns -1 on failure.</summary>
    public static int Duplicate(int thread, int descriptor)
    {
        var handle = (int)SystemCall(PidfdOpenNumber, thread, (nint)PidfdThread, 0, 0);
        // Before Linux 6.9, only the first thread of a process, whose ID is the process ID, has a pidfd.
        if (handle < 0)
            handle = (int)SystemCall(PidfdOpenNumber, ThreadStatus.TryRead(thread, out var status) ? status.Process : -1, 0, 0, 0);
        if (handle < 0)
            return -1;
        var duplicate = (int)SystemCall(PidfdGetfdNumber, handle, descriptor, 0, 0);
        var error = Libc.Error;
        _ = Libc.Close(handle);
        Marshal.SetLastPInvokeError(error);
        return duplicate;
    }

    /// <summary>Returns the maximum number of descriptors of a process (<c>RLIMIT_NOFILE</c>); null if the system does not report it.</summary>
    public static ulong? MaxDescriptors(int process)
    {
        // struct rlimit64: the soft limit and the hard limit.
        var limits = stackalloc ulong[2];
        return SetLimits(process, DescriptorLimit, null, limits) == 0 ? limits[0] : null;
    }

    /// <summary>Gives this thread its own copy of the descriptor table until it ends.</summary>
    public static bool TryLeaveDescriptorTable() => Unshare(OwnFiles) == 0;

    /// <summary>Copies from the memory of another process. Returns false if a part of the range is not readable.</summary>
    public static bool TryRead(int thread, nuint address, Span<byte> to) => to.IsEmpty || Transfer(thread, address, to, isWriting: false);

    /// <summary>Copies into the memory of another process. Returns false if a part of the range is not writable.</summary>
    public static bool TryWrite(int thread, nuint address, ReadOnlySpan<byte> from) => from.IsEmpty || Transfer(thread, address, from, isWriting: true);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Control(int descriptor, int request, void* argument);

    [LibraryImport("libc", EntryPoint = "socketpair", SetLastError = true)]
    public static partial int SocketPair(int domain, int type, int protocol, int* pair);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int descriptor, void* data, nuint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int descriptor, void* data, nuint count);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    public static partial nint SystemCall(nint number, nint a, nint b, nint c, nint d);

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int ProcessControl(int operation, nint a, nint b, nint c, nint d);

    [LibraryImport("libc", EntryPoint = "dup2", SetLastError = true)]
    public static partial int DuplicateTo(int descriptor, int number);

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "prlimit64", SetLastError = true)]
    private static partial int SetLimits(int process, int resource, ulong* changed, ulong* present);

    [LibraryImport("libc", EntryPoint = "process_vm_readv", SetLastError = true)]
    private static partial nint ReadMemory(int process, Libc.IoVector* own, nuint ownCount, Libc.IoVector* others, nuint othersCount, nuint flags);

    [LibraryImport("libc", EntryPoint = "process_vm_writev", SetLastError = true)]
    private static partial nint WriteMemory(int process, Libc.IoVector* own, nuint ownCount, Libc.IoVector* others, nuint othersCount, nuint flags);

    private static int Install(ReadOnlySpan<FilterStep> filter, int flags)
    {
        fixed (FilterStep* steps = filter)
        {
            var program = new FilterProgram { Count = (ushort)filter.Length, Steps = steps };
            var number = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? SeccompNumberArm64 : SeccompNumberX64;
            return (int)SystemCall(number, SetFilter, flags, (nint)(&program), 0);
        }
    }

    private static bool Transfer(int thread, nuint address, ReadOnlySpan<byte> bytes, bool isWriting)
    {
        fixed (byte* first = bytes)
        {
            var own = new Libc.IoVector { Base = (nuint)first, Length = (nuint)bytes.Length };
            var others = new Libc.IoVector { Base = address, Length = own.Length };
            return (isWriting ? WriteMemory(thread, &own, 1, &others, 1, 0) : ReadMemory(thread, &own, 1, &others, 1, 0)) == bytes.Length;
        }
    }

    /// <summary><c>struct seccomp_notif</c>, 80 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct CallMessage
    {
        public ulong Id;
        public int Thread;
        public uint Flags;
        public int Number;
        public uint Architecture;
        public ulong Instruction;
        public fixed ulong Arguments[6];
    }

    /// <summary><c>struct seccomp_notif_resp</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct AnswerMessage
    {
        public const uint Continue = 1;

        public ulong Id;
        public long Value;
        public int Error;
        public uint Flags;
    }

    /// <summary><c>struct seccomp_notif_addfd</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct DescriptorMessage
    {
        public const uint AtNumber = 1;
        public const uint AndAnswer = 2;

        public ulong Id;
        public uint Flags;
        public int Source;
        public int Number;
        public uint DescriptorFlags;
    }
}
