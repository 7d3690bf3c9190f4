using System.Runtime.InteropServices;

namespace Lanyard.Service;

/// <summary>The accounts of a Unix system.</summary>
internal static unsafe partial class SystemAccounts
{
    /// <summary>The superuser's user ID.</summary>
    public const uint Superuser = 0;

    private static readonly Lazy<uint> s_own = new(EffectiveUser);

    private const int FirstRoomBytes = 1 << 10;
    private const int MaxRoomBytes = 1 << 20;
    private const int Interrupted = 4; // EINTR
    private const int TooSmall = 34; // ERANGE

    /// <summary>Whether this system resolves account names.</summary>
    public static bool AreKnown => OperatingSystem.IsLinux() || OperatingSystem.IsMacOS();

    /// <summary>The effective user ID of this process.</summary>
    public static uint Own => s_own.Value;

    /// <summary>Finds an account's user ID (<c>getpwnam_r(3)</c>), which may query a directory service.</summary>
    /// <returns>Whether the account exists.</returns>
    public static bool TryFind(string name, out uint user)
    {
        user = 0;
        // The C library would ignore the text after a NUL.
        if (!AreKnown || name.Length == 0 || name.Contains('\0', StringComparison.Ordinal))
            return false;
        for (var room = FirstRoomBytes; room <= MaxRoomBytes; room *= 2)
        {
            Account account;
            Account* found = null;
            int error;
            fixed (byte* texts = new byte[room])
            {
                do
                    error = Find(name, &account, texts, (nuint)room, &found);
                while (error == Interrupted);
            }

            if (error == TooSmall)
                continue;
            if (found is null)
                return false;
            user = account.User;
            return true;
        }

        return false;
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "getpwnam_r", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Find(string name, Account* account, byte* texts, nuint textsLength, Account** found);

    /// <summary>The first fields of <c>struct passwd</c>, which has 48 bytes on Linux and 72 on macOS.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 128)]
    private struct Account
    {
        public nuint Name;
        public nuint Password;
        public uint User;
        public uint Group;
    }
}
