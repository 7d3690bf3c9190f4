using System.Runtime.InteropServices;

namespace Lanyard.Intercept.Supervision;

/// <summary>The system calls that pass a socket address, which needs translation, and the calls that create ping sockets or join multicast groups.</summary>
internal enum SocketCall
{
    None,
    Socket,
    Connect,
    Bind,
    Listen,
    Accept,
    Accept4,
    GetSocketName,
    GetPeerName,
    GetSocketOption,
    SetSocketOption,
    SendTo,
    SendMessage,
    SendMessages,
    ReceiveFrom,
    ReceiveMessage,
    ReceiveMessages,
}

/// <summary>The numbers of system calls by architecture.</summary>
internal static class SocketCalls
{
    private static readonly int[] s_x64 = [-1, 41, 42, 49, 50, 43, 288, 51, 52, 55, 54, 44, 46, 307, 45, 47, 299];
    private static readonly int[] s_arm64 = [-1, 198, 203, 200, 201, 202, 242, 204, 205, 209, 208, 206, 211, 269, 207, 212, 243];
    private static readonly int[] s_own = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? s_arm64 : s_x64;

    /// <summary>Whether this machine supports supervising programs.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64;

    public static int NumberOf(SocketCall call, Architecture architecture) => (architecture == Architecture.Arm64 ? s_arm64 : s_x64)[(int)call];

    public static SocketCall Of(int number) => number < 0 ? SocketCall.None : (SocketCall)Math.Max(0, Array.IndexOf(s_own, number));
}
