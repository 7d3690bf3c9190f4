using System.Text;
using Lanyard.Wire;

namespace Lanyard.Service;

/// <summary>The service's own files beside the node's. What goes wrong with one is said with its name.</summary>
internal static class StateFiles
{
    /// <summary>Far above what any of these files holds.</summary>
    public const int MaxBytes = 1 << 20;

    /// <summary>A file's text; null where there is none.</summary>
    /// <exception cref="LanyardStateException">It cannot be read, or is too large.</exception>
    public static string? TryRead(string path)
    {
        try
        {
            // Whoever writes it meanwhile is not kept from it.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
            if (file.Length > MaxBytes)
                throw new LanyardStateException(path, $"The file '{path}' is larger than 1 MiB, which it cannot rightly be.");
            using var reader = new StreamReader(file, Encoding.UTF8);
            return reader.ReadToEnd();
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException && failure is not LanyardException)
        {
            throw new LanyardStateException(path, $"The file '{path}' cannot be read: {failure.Message}", failure);
        }
    }

    /// <summary>The identity in a file, with its secret.</summary>
    /// <exception cref="LanyardStateException">It is not there, or is none.</exception>
    public static Identity ReadIdentity(string path) =>
        Identity.TryParse(TryRead(path), out var identity) && identity.HasSecret
            ? identity
            : throw new LanyardStateException(path, $"The file '{path}' does not hold an identity with its secret key.");

    /// <summary>Puts a text into a file, in the place of the old one.</summary>
    /// <exception cref="LanyardStateException">It cannot be written.</exception>
    public static void Write(string path, string text)
    {
        try
        {
            File.WriteAllText(path, text);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new LanyardStateException(path, $"The file '{path}' cannot be written: {failure.Message}", failure);
        }
    }

    /// <summary>Puts a text into a file, so that whoever reads it meanwhile finds either the old one or the new one.</summary>
    /// <exception cref="LanyardStateException">It cannot be written.</exception>
    public static void Replace(string path, string text)
    {
        var next = path + ".new";
        Write(next, text);
        try
        {
            File.Move(next, path, overwrite: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            TryDelete(next);
            throw new LanyardStateException(path, $"The file '{path}' cannot be written: {failure.Message}", failure);
        }
    }

    /// <summary>Deletes a file that tells of a running service. If it stays, it tells of one that does not answer.</summary>
    public static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
        }
    }
}
