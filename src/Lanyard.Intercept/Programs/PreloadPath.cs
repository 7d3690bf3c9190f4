using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Lanyard.Intercept.Linux;

namespace Lanyard.Intercept.Programs;

/// <summary>
/// The path under which the library is preloaded. The dynamic linkers split <c>LD_PRELOAD</c> at colons and white space, which cannot be quoted, and expand names
/// after a dollar sign. If the library's own path contains such characters, the path is a link in a folder that only this user and the superuser can change.
/// </summary>
internal static partial class PreloadPath
{
    private const int TypeMask = 0xf000; // S_IFMT
    private const int FolderType = 0x4000; // S_IFDIR
    private const int Sticky = 0x200; // S_ISVTX
    private const int WritableByOthers = 0x12; // S_IWGRP | S_IWOTH
    private const int FolderMode = 0x1ed; // 0755: a server that changes its user loads the library as well.
    private const int TrialLimit = 8;

    /// <summary>Returns the path, and creates the link if necessary.</summary>
    /// <param name="library">The library's absolute path.</param>
    /// <exception cref="ProgramStartException">No folder for the link is safe.</exception>
    public static string Of(string library)
    {
        if (IsPlain(library))
            return library;
        foreach (var parent in Parents())
        {
            if (IsPlain(parent) && IsSafe(parent) && TryMakeFolder(parent) is { } folder && TryLink(folder, library) is { } link)
                return link;
        }

        throw new ProgramStartException(
            $"{library} cannot be preloaded: the dynamic linker splits its path at spaces and colons, and no folder for a link to it is safe from other users. Move Lanyard to another folder, or use '--engine supervise'.");
    }

    /// <summary>Returns whether the dynamic linkers accept a path unchanged.</summary>
    internal static bool IsPlain(string path) => !path.Any(static c => char.IsWhiteSpace(c) || c is ':' or '$');

    /// <summary>Returns whether only this user and the superuser can replace a folder or its contents. In a sticky folder, a user cannot replace the files of another
    /// user.</summary>
    internal static bool IsSafe(string folder)
    {
        for (var at = folder; at is not null; at = Path.GetDirectoryName(at))
        {
            if (!Libc.TryGetStatus(at, out var mode, out var user) || (mode & TypeMask) != FolderType || (user != 0 && user != EffectiveUser())
                || ((mode & WritableByOthers) != 0 && (mode & Sticky) == 0))
                return false;
        }

        return true;
    }

    private static IEnumerable<string> Parents()
    {
        if (EffectiveUser() == 0)
            yield return "/run";
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache && Path.IsPathRooted(cache))
            yield return cache;
        if (Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home && Path.IsPathRooted(home))
            yield return Path.Combine(home, ".cache");
        yield return "/var/tmp";
        yield return "/tmp";
    }

    // Creates the user's own folder. If another user has taken the name, uses an unpredictable name.
    private static string? TryMakeFolder(string parent)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{parent}/lanyard-{EffectiveUser()}");
        for (var trial = 0; trial < TrialLimit; trial++)
        {
            _ = MakeFolder(name, FolderMode);
            if (Libc.TryGetStatus(name, out var mode, out var user) && (mode & (TypeMask | WritableByOthers)) == FolderType && user == EffectiveUser())
                return name;
            name = $"{parent}/lanyard-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}";
        }

        return null;
    }

    // Each library has its own subfolder, so that several installations do not change each other's link.
    private static string? TryLink(string folder, string library)
    {
        var own = $"{folder}/{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(library)).AsSpan(0, 16))}";
        var link = $"{own}/{Path.GetFileName(library)}";
        try
        {
            _ = MakeFolder(own, FolderMode);
            if (new FileInfo(link).LinkTarget != library)
            {
                var fresh = $"{link}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}";
                File.CreateSymbolicLink(fresh, library);
                File.Move(fresh, link, overwrite: true);
            }

            return link;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeFolder(string path, int mode);
}
